//! The one way to change a record: read, decide, swap, and read back; and where a record is.

use std::convert::Infallible;

use crate::{Key, OrderId, Record, Snapshot, Store, StoreError, Swap, Token};

/// How often a writer that keeps losing to others, or to a failing store, tries in all.
///
/// Few writers meet at one order: a holder, a client who cancels, a sweep. So losing
/// this often means that the store misbehaves.
const TRIES_MAX: u32 = 8;

/// Where a record is looked for. It moves from the first place to the second, by way of both, so
/// that one look at each finds it wherever it is. Twice, because the reads of some stores lag:
/// what was just moved may be seen at neither.
const PLACES: [fn(OrderId) -> Key; 4] = [Key::Open, Key::Ended, Key::Open, Key::Ended];

/// Why a record was not changed. After [`UpdateError::Store`] it may have been.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError<E> {
    /// There is no such order.
    #[error("order `{0}` does not exist")]
    NotFound(OrderId),
    /// The decision refused, on the record as it is now.
    #[error(transparent)]
    Refused(E),
    /// What is stored cannot be read.
    #[error("the record of order `{id}` cannot be read: {message}")]
    Damaged {
        /// The order.
        id: OrderId,
        /// What is wrong with it.
        message: String,
    },
    /// The store failed, or lost the swap more often than others can explain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UpdateError<Infallible> {
    /// The same, where a decision may refuse.
    pub(crate) fn widen<E>(self) -> UpdateError<E> {
        match self {
            Self::NotFound(id) => UpdateError::NotFound(id),
            Self::Damaged { id, message } => UpdateError::Damaged { id, message },
            Self::Store(error) => UpdateError::Store(error),
            Self::Refused(never) => match never {},
        }
    }
}

/// Changes the record of `id` as `decide` says, by a write that carries the name `write`.
///
/// `decide` sees the record as it is stored and returns it as it shall be, or `None` if it is so
/// already; it is asked again whenever somebody else wrote in between. Returns the record as it is
/// then.
///
/// Whatever the store answers to the swap, the record is read back: the change is taken
/// to have happened exactly when the stored record carries `write`. So a swap that
/// happened although it was reported failed is recognised, and one that was reported
/// done although it was not is made again. A change that was at once overwritten by a
/// later one counts as lost here; `decide` then judges by the later record. Only a store
/// that [swaps exactly](Store::swaps_exactly) is believed that it did.
pub(crate) async fn update<S: Store, E>(
    store: &S,
    id: OrderId,
    write: Token,
    decide: impl Fn(&Record) -> Result<Option<Record>, E>,
) -> Result<Record, UpdateError<E>> {
    let mut failure = None;
    for _ in 0..TRIES_MAX {
        let (place, snapshot) = match locate(store, id).await {
            Ok(found) => found.ok_or(UpdateError::NotFound(id))?,
            Err(error) => {
                failure = Some(error);
                continue;
            }
        };
        let record = decode(id, snapshot.value().unwrap_or_default())?;
        if record.write == write {
            return Ok(record);
        }
        let Some(mut next) = decide(&record).map_err(UpdateError::Refused)? else {
            return Ok(record);
        };
        next.revision = record.revision + 1;
        next.write = write;
        let written = next.to_json();
        // As a rule the answer is not looked at: what really is there tells. If that cannot be read
        // now, or was moved meanwhile, the next turn finds it. What was written is known by
        // its bytes, without reading them as a record: the write's name is among them.
        failure = match store.swap(snapshot, &written).await {
            Err(error) => Some(error),
            Ok(Swap::Applied) if store.swaps_exactly() => return Ok(next),
            Ok(_) => match store.get(&place).await {
                Ok(Some(value)) if value == written => return Ok(next),
                Ok(_) => None,
                Err(error) => Some(error),
            },
        };
    }
    let gave_up = || {
        StoreError(format!(
            "order `{id}` was still not written after {TRIES_MAX} tries"
        ))
    };
    Err(failure.unwrap_or_else(gave_up).into())
}

/// The record of `id`, if it is an order that was accepted: a candidate is not, yet.
///
/// # Errors
/// If the store failed, or what is stored is no record.
pub async fn find<S: Store>(
    store: &S,
    id: OrderId,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    let stored = find_stored(store, id).await?;
    Ok(stored.filter(|record| !record.candidate))
}

/// The stored record of `id`, of a candidate too.
pub(crate) async fn find_stored<S: Store>(
    store: &S,
    id: OrderId,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    for place in PLACES {
        if let Some(record) = read(store, &place(id), id).await? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The record of `id` at one of its places, if it is there.
pub(crate) async fn read<S: Store>(
    store: &S,
    place: &Key,
    id: OrderId,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    match store.get(place).await? {
        Some(value) => decode(id, &value).map(Some),
        None => Ok(None),
    }
}

/// Moves the record of an order that [is over](Record::is_over) to where those are that have ended. Anybody
/// may, and again: nothing of it changes any more. A candidate that was discarded is removed.
///
/// Set first, and then deleted, so that whoever looks at one place after the other finds it at any time.
///
/// # Errors
/// If the store failed. The order has ended all the same; a sweep finds it and moves it.
pub async fn move_ended<S: Store>(store: &S, record: &Record) -> Result<(), StoreError> {
    if !record.candidate {
        store.set(&Key::Ended(record.id), &record.to_json()).await?;
    }
    store.delete(&Key::Open(record.id)).await
}

/// Moves an order that is over and still among the open ones, if it is.
///
/// # Errors
/// If the store failed, or what is stored is no record.
pub async fn move_left<S: Store>(store: &S, id: OrderId) -> Result<(), UpdateError<Infallible>> {
    match read(store, &Key::Open(id), id).await? {
        Some(record) if record.is_over() => Ok(move_ended(store, &record).await?),
        _ => Ok(()),
    }
}

async fn locate<S: Store>(
    store: &S,
    id: OrderId,
) -> Result<Option<(Key, S::Snapshot)>, StoreError> {
    for place in PLACES {
        let snapshot = store.snapshot(&place(id)).await?;
        if snapshot.value().is_some() {
            return Ok(Some((place(id), snapshot)));
        }
    }
    Ok(None)
}

pub(crate) fn decode<E>(id: OrderId, value: &[u8]) -> Result<Record, UpdateError<E>> {
    Record::from_json(value).map_err(|error| UpdateError::Damaged {
        id,
        message: error.to_string(),
    })
}
