//! The storage port: what the protocol needs from a key-value store, and no more.

use std::fmt;

use crate::{Digest, OrderId};

/// A key-value store, shared by every component and replica.
///
/// Each method says what holds when it returns, and what may have happened when it
/// fails. The protocol is right on any store that keeps these promises, which are weaker
/// than they look: the swaps of real stores misreport, and nothing here relies on what
/// [`swap`](Self::swap) answers.
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

    /// Adds one to the number at `key`, which starts at 0, and returns the sum.
    ///
    /// Of all who add to one key, each gets another number. The key belongs to this method:
    /// it is never read, set or swapped, because hosts keep numbers each in their own form.
    async fn increment(&self, key: &Key) -> Result<i64, StoreError>;

    /// Calls `visit` with every key that was there when this began, in any order; with keys
    /// that come or go meanwhile perhaps.
    async fn keys(&self, visit: impl FnMut(&str)) -> Result<(), StoreError>;
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
    /// The record of an order.
    Record(OrderId),
    /// The marker of an order, which exists exactly while the order is open.
    Marker(OrderId),
    /// Which order an idempotency key stands for.
    Pointer(Digest),
    /// How many clients have wanted to create the order of an idempotency key.
    Creators(Digest),
    /// Whose turn the last sweep was.
    Sweep,
}

impl Key {
    /// What the keys of records begin with.
    pub const RECORD_PREFIX: &str = "order_";
    /// What the keys of markers begin with.
    pub const MARKER_PREFIX: &str = "open_";
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(id) => write!(f, "{}{id}", Self::RECORD_PREFIX),
            Self::Marker(id) => write!(f, "{}{id}", Self::MARKER_PREFIX),
            Self::Pointer(key) => write!(f, "pointer_{key}"),
            Self::Creators(key) => write!(f, "creators_{key}"),
            Self::Sweep => f.write_str("sweep"),
        }
    }
}
