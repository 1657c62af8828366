//! Key-value stores: what the host offers to components under a label.
//!
//! [`Store`] says what a label can do and what is durable when it answers; a [`Backend`] is a
//! place where labels are kept; [`Stores`] opens the labels of an app. Each back end is one
//! module here, named nowhere else, and passes the one conformance suite in `tests/stores`.
//! The WIT interfaces are not here: they translate calls of components into these methods.

mod cosmos;
mod crash;
mod error;
mod integer;
mod limits;
mod memory;
mod redis;
mod sqlite;
mod stores;
mod table;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use cosmos::{AccountKey, CosmosSettings};
pub use error::{Error, ErrorKind, OpenError};
pub use limits::SizeLimits;
pub use redis::RedisAddress;
pub use stores::{Backend, Stores};

/// Batches of keys, see [`Store::keys`].
pub type Keys = BoxStream<'static, Result<Vec<String>, Error>>;

/// One open label of one back end.
///
/// What every method keeps to:
///
/// - **Durable on return.** When a write returns `Ok`, it outlasts a crash of this process and of
///   the machine, as far as the back end is durable at all, and every later read sees it.
/// - **Unknown on failure.** When a write returns an error whose [kind](Error::kind) is
///   [`ErrorKind::Unavailable`], it may or may not have happened, and may still happen. After
///   every other kind nothing was written.
/// - **A dropped future decides nothing.** A write whose future is dropped before it returned may
///   or may not happen.
/// - **One at a time.** Each write of a single key is atomic: a read sees the value from before it
///   or after it. [`increment`](Self::increment) and [`compare_and_swap`](Self::compare_and_swap)
///   read and write as one step, whoever else writes the key.
/// - **Apart.** Labels share nothing, whatever their back end.
///
/// A store repeats by itself only what it knows was not done: a call that was refused or never sent,
/// or that only reads. Retrying a write that may have happened is the caller's decision.
#[async_trait]
pub trait Store: Send + Sync {
    /// The value of `key`, or `None` if there is none. Sees every write that has returned.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Writes `value`, over whatever is there. Durable on return. Safe to repeat.
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error>;

    /// Removes `key`; `Ok` also if it was not there. Durable on return. Safe to repeat.
    async fn delete(&self, key: &str) -> Result<(), Error>;

    /// Whether `key` has a value. Sees every write that has returned.
    async fn exists(&self, key: &str) -> Result<bool, Error>;

    /// The value of each of `keys`, in their order; not necessarily as of one instant.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error>;

    /// Writes each pair; of a repeated key, the last. Durable on return. A failure or a crash
    /// may leave any part of the pairs written, so callers must be able to repeat it.
    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Error>;

    /// Removes each of `keys`. Durable on return. A failure or a crash may leave any part of them
    /// removed. Safe to repeat.
    async fn delete_many(&self, keys: Vec<String>) -> Result<(), Error>;

    /// Every key of the label, in batches of bounded size and no promised order.
    ///
    /// A key that exists from this call to the end of the stream is in it at least once; a key
    /// that comes or goes meanwhile may or may not be. The stream holds nothing between two
    /// batches that delays a writer or keeps old data alive, so it may be left lying and dropped
    /// at any time. It ends after its first error.
    fn keys(&self) -> Keys;

    /// The first keys of the label that sort after `after` by their bytes, ascending and at most
    /// `limit` of them; or `None`, always, where the back end keeps no order. After `""` come all.
    ///
    /// `after` need not be a key. Whoever asks again after the last key that it got, until it gets
    /// fewer than `limit`, has seen each key once that existed all the while. Nothing is held
    /// between two calls.
    async fn keys_after(&self, after: &str, limit: usize) -> Result<Option<Vec<String>>, Error>;

    /// The last keys of the label that sort before `before` by their bytes, descending; else as
    /// [`keys_after`](Self::keys_after). Before `""` comes none.
    async fn keys_before(&self, before: &str, limit: usize) -> Result<Option<Vec<String>>, Error>;

    /// Adds `delta` to the integer at `key` (0 if absent) and returns the sum, as one step. A `delta`
    /// of 0 reads it, and need not create it.
    /// Durable on return. **Not safe to repeat** after [`ErrorKind::Unavailable`].
    ///
    /// How the integer is kept is the back end's own business, so keys that are incremented are
    /// neither read by [`get`](Self::get) nor written by [`set`](Self::set). A key that holds
    /// something else is left alone: [`Error::NotAnInteger`].
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error>;

    /// Writes `value` if `key` still holds `expected` (`None`: if it is absent), as one step.
    ///
    /// [`SwapOutcome::Applied`] is durable on return. [`SwapOutcome::Changed`] means that nothing was written.
    /// After [`ErrorKind::Unavailable`], read the key and look for your own `value` before you
    /// repeat it.
    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<SwapOutcome, Error>;
}

/// What came of a [`Store::compare_and_swap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a swap that was not applied has written nothing"]
pub enum SwapOutcome {
    /// The key held what was expected and now holds the new value.
    Applied,
    /// The key held something else and still does.
    Changed,
}
