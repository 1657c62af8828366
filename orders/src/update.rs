//! The one way to change a record: read, decide, swap, and read back.

use std::convert::Infallible;

use crate::{Key, OrderId, Record, Snapshot, Store, StoreError, Token};

/// How often a writer that keeps losing to others, or to a failing store, tries in all.
///
/// Few writers meet at one order: a holder, a client who cancels, a sweep. So losing
/// this often means that the store misbehaves.
const TRIES_MAX: u32 = 8;

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

/// Changes the record of `id` as `decide` says, by a write that carries the name `write`.
///
/// `decide` sees the record as it is stored and returns it as it shall be; it is asked
/// again whenever somebody else wrote in between. Returns the record as it was written.
///
/// Whatever the store answers to the swap, the record is read back: the change is taken
/// to have happened exactly when the stored record carries `write`. So a swap that
/// happened although it was reported failed is recognised, and one that was reported
/// done although it was not is made again. A change that was at once overwritten by a
/// later one counts as lost here; `decide` then judges by the later record.
pub(crate) async fn update<S: Store, E>(
    store: &S,
    id: OrderId,
    write: Token,
    decide: impl Fn(&Record) -> Result<Record, E>,
) -> Result<Record, UpdateError<E>> {
    let key = Key::Record(id);
    let mut failure = None;
    for _ in 0..TRIES_MAX {
        let snapshot = match store.snapshot(&key).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                failure = Some(error);
                continue;
            }
        };
        let record = decode(id, snapshot.value().ok_or(UpdateError::NotFound(id))?)?;
        if record.write == write {
            return Ok(record);
        }
        let mut next = decide(&record).map_err(UpdateError::Refused)?;
        next.revision = record.revision + 1;
        next.write = write;
        // The answer is not looked at: what really is there tells. If that cannot be read
        // now, the next turn does.
        failure = match store.swap(snapshot, &next.to_json()).await {
            Err(error) => Some(error),
            Ok(_) => match store.get(&key).await {
                Ok(Some(value)) if decode::<E>(id, &value)?.write == write => return Ok(next),
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

/// The stored record of `id`, if there is one.
pub(crate) async fn read<S: Store>(
    store: &S,
    id: OrderId,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    match store.get(&Key::Record(id)).await? {
        Some(value) => decode(id, &value).map(Some),
        None => Ok(None),
    }
}

fn decode<E>(id: OrderId, value: &[u8]) -> Result<Record, UpdateError<E>> {
    Record::from_json(value).map_err(|error| UpdateError::Damaged {
        id,
        message: error.to_string(),
    })
}
