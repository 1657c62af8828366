//! Turns: which of all replicas does what one is enough for, and when the next is due.

use serde::{Deserialize, Serialize};

use crate::{Key, Snapshot, Store, StoreError, Timestamp, Token};

/// What is stored of the latest turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Turn<T> {
    /// Names the write, so that who took the turn knows it again.
    pub write: Token,
    /// When the next is due.
    pub next_at: Timestamp,
    /// How long after it was written that was, in milliseconds.
    pub wait_ms: u64,
    /// What one turn leaves to the next.
    #[serde(flatten)]
    pub left: T,
}

impl<T> Turn<T> {
    /// A turn that is taken `now`, after which the next is due in `wait_ms`.
    pub fn new(write: Token, now: Timestamp, wait_ms: u64, left: T) -> Self {
        Self {
            write,
            next_at: now.plus_ms(wait_ms),
            wait_ms,
            left,
        }
    }

    /// Whether the next is not due yet, as far as the times here can be believed.
    ///
    /// Clocks of replicas differ a little. Who set a time further ahead than it meant to wait has a
    /// clock that is wrong, or we have: not believed, so that one clock cannot stop everybody's turns.
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        now < self.next_at && self.next_at <= now.plus_ms(self.wait_ms.saturating_mul(2))
    }
}

/// Whether a turn was got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// It was, and this is what the latest before left.
    Yes(T),
    /// Not now: ask again at the given time.
    NotDue(Timestamp),
}

/// Takes the turn by a fenced write with the name `write`, if it is due or `is_due` says so of what the
/// latest left.
///
/// Of replicas that ask at once, one gets it. (On a store that lets two create the same
/// absent key, both may get the very first turn: two sweeps instead of one do no harm.) Who dies
/// with it is followed after `wait_ms`, and leaves what the latest left.
pub(crate) async fn take<S: Store, T>(
    store: &S,
    key: Key,
    write: Token,
    wait_ms: u64,
    now: Timestamp,
    is_due: impl Fn(&T) -> bool,
) -> Result<Taken<T>, StoreError>
where
    T: Default + Serialize + for<'de> Deserialize<'de>,
{
    let snapshot = store.snapshot(&key).await?;
    let latest: Option<Turn<T>> = snapshot.value().and_then(decode);
    if let Some(latest) = &latest
        && latest.is_ahead(now)
        && !is_due(&latest.left)
    {
        return Ok(Taken::NotDue(latest.next_at));
    }
    let left = latest.map(|latest| latest.left).unwrap_or_default();
    let mine = Turn::new(write, now, wait_ms, left);
    // What the swap says is no matter; what is there afterwards is.
    let _hint = store.swap(snapshot, &encode(&mine)).await;
    let current: Option<Turn<T>> = store.get(&key).await?.as_deref().and_then(decode);
    if current.is_some_and(|current| current.write == write) {
        Ok(Taken::Yes(mine.left))
    } else {
        Ok(Taken::NotDue(mine.next_at))
    }
}

/// Writes what the turn that `mine` took leaves, if no other was taken meanwhile.
pub(crate) async fn leave<S: Store, T>(
    store: &S,
    key: Key,
    mine: Token,
    next: Turn<T>,
) -> Result<(), StoreError>
where
    T: Serialize + for<'de> Deserialize<'de>,
{
    let snapshot = store.snapshot(&key).await?;
    let latest: Option<Turn<T>> = snapshot.value().and_then(decode);
    if latest.is_some_and(|latest| latest.write == mine) {
        store.swap(snapshot, &encode(&next)).await?;
    }
    Ok(())
}

/// The latest turn; one that cannot be read counts as none, and the next writes a good one.
pub(crate) async fn latest<S: Store, T: for<'de> Deserialize<'de>>(
    store: &S,
    key: Key,
) -> Result<Option<Turn<T>>, StoreError> {
    Ok(store.get(&key).await?.as_deref().and_then(decode))
}

fn encode<T: Serialize>(turn: &Turn<T>) -> Vec<u8> {
    // OK because the keys of what is left are strings and no field's serializer fails.
    serde_json::to_vec(turn).expect("a turn is always JSON")
}

fn decode<T: for<'de> Deserialize<'de>>(value: &[u8]) -> Option<Turn<T>> {
    serde_json::from_slice(value).ok()
}
