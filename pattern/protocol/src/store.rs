//! The storage port: what the protocol needs from a key-value store, and no more.

use std::fmt;

use futures::future::try_join_all;

use crate::{Digest, OrderId};

/// A key-value store, shared by every component and replica.
///
/// Each method says what holds when it returns, and what may have happened when it
/// fails. The protocol is right on any store that keeps these promises, which are weaker
/// than they look: the swaps of real stores misreport, and nothing here relies on what
/// [`swap`](Self::swap) answers, unless the store [vouches for it](Self::swaps_exactly).
#[expect(
    async_fn_in_trait,
    reason = "components are single-threaded, so no caller needs the futures to be Send"
)]
pub trait Store {
    /// A value as it was read, and the right to replace exactly it.
    type Snapshot: Snapshot;

    /// The value of `key`, if it has one.
    ///
    /// Sees every write that has returned, on every replica.
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// The values of `keys`, in their order, each as [`get`](Self::get) answers it; not all of one moment.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        try_join_all(keys.iter().map(|key| self.get(key))).await
    }

    /// Sets `key` to `value`, whatever was there.
    ///
    /// Durable and readable when it returns. After an error it may have happened, may
    /// not, or may happen yet.
    async fn set(&self, key: &Key, value: &[u8]) -> Result<(), StoreError>;

    /// Removes `key`; nothing happens if it is absent. Durable when it returns.
    async fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Reads `key` in order to [`swap`](Self::swap) it.
    async fn snapshot(&self, key: &Key) -> Result<Self::Snapshot, StoreError>;

    /// Replaces the value that `snapshot` read, if `key` still has exactly that value.
    ///
    /// Never replaces any other value of an existing key. What it answers is a hint: some
    /// stores report a failure for a swap that happened, or success for one that did not,
    /// and an error tells nothing. Who must know reads back and looks for its own write
    /// ([`Record::write`](crate::Record::write)). Creating an absent key this way is not
    /// safe against another creator on every store, so the protocol never does.
    async fn swap(&self, snapshot: Self::Snapshot, value: &[u8]) -> Result<Swap, StoreError>;

    /// Whether [`Swap::Applied`] is the truth on this store: then who is answered so need not read back.
    ///
    /// Not unless the store is known to keep to it.
    fn swaps_exactly(&self) -> bool {
        false
    }

    /// Adds `delta` to the number at `key`, which starts at 0, and returns the sum: by a `delta`
    /// of 0 the number is read.
    ///
    /// Of all who add one to a key, each gets another number. (One store may tell two the same;
    /// who relies on it creates the key that the number names by a swap, which is sound there.)
    /// The key belongs to this method: it is never read, set or swapped, because hosts keep
    /// numbers each in their own form.
    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError>;

    /// Calls `visit` with every key that was there when this began, in any order; with keys
    /// that come or go meanwhile perhaps.
    async fn keys(&self, visit: impl FnMut(&str)) -> Result<(), StoreError>;

    /// The first of the keys that sort after `after`, byte by byte, in order; `None` where the
    /// store cannot list in order, and [`keys`](Self::keys) is all there is.
    ///
    /// Keys that come or go meanwhile may be missed; `after` need not exist.
    async fn keys_after(&self, after: &str) -> Result<Option<KeyPage>, StoreError>;

    /// The last of the keys that sort before `before`, the last one first; else as
    /// [`keys_after`](Self::keys_after).
    async fn keys_before(&self, before: &str) -> Result<Option<KeyPage>, StoreError>;
}

/// Some keys in order, as many as the host gives at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys, in the order that they were asked for in.
    pub keys: Vec<String>,
    /// Whether there is none after these.
    pub is_last: bool,
}

/// A value as it was read by [`Store::snapshot`].
pub trait Snapshot {
    /// The value, if the key had one.
    fn value(&self) -> Option<&[u8]>;
}

/// What a store says of a swap. A hint; see [`Store::swap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The value was replaced.
    Applied,
    /// The key had another value by then.
    Refused,
}

/// A store that did not answer, or answered with an error. The write, if it was one, may have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(
    /// What the store said. Not to be matched on: hosts word it as they like.
    pub String,
);

/// A key. Its kind is in it, because some hosts put every store label into one
/// keyspace; and it is only of letters, digits, `_` and `-`, because some put keys into
/// queries and URLs.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The record of an order that is open: that it is here says so.
    Open(OrderId),
    /// The record of an order that has ended.
    Ended(OrderId),
    /// Which order one who wanted to create it has chosen for an idempotency key: the bid with
    /// this number.
    Bid(Digest, i64),
    /// How many bids there have been for an idempotency key.
    Bids(Digest),
    /// Whose turn the last sweep was.
    Sweep,
    /// How far records have been looked through for those whose retention has ended.
    Expiry,
}

impl Key {
    /// What the keys of open orders begin with.
    pub const OPEN_PREFIX: &str = "open_";
    /// What the keys of orders that have ended begin with.
    pub const ENDED_PREFIX: &str = "order_";
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(id) => write!(f, "{}{id}", Self::OPEN_PREFIX),
            Self::Ended(id) => write!(f, "{}{id}", Self::ENDED_PREFIX),
            Self::Bid(key, number) => write!(f, "bid_{key}_{number}"),
            Self::Bids(key) => write!(f, "bids_{key}"),
            Self::Sweep => f.write_str("sweep"),
            Self::Expiry => f.write_str("expiry"),
        }
    }
}
