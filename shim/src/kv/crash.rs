//! Named points at which this process kills itself: how tests prove what a crash there leaves.
//!
//! `WASM_SHIM_CRASH_AT=OPERATION:KEY_PREFIX:NTH:WHEN` names one. OPERATION is `set`, `delete`,
//! `increment` or `swap`; of the calls on keys that begin with `KEY_PREFIX` the NTH is meant,
//! counted from 1; WHEN is `before` or `after` it. So `swap:order_:1:after` is after the first
//! claim is durable and before the processor is told. Where the variable is unset, as it is
//! outside tests, a store is used as it is and none of this is on its way.

use super::{Error, Keys, OpenError, Store, Swap};
use async_trait::async_trait;
use std::future::pending;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The variable that names the point.
const VARIABLE: &str = "WASM_SHIM_CRASH_AT";

/// How long other calls that are under way get to end, before a death before a call. So what
/// dies in between two writes really leaves the one and not the other.
const OTHERS: Duration = Duration::from_millis(100);

/// A point in this process's life that is its last, shared by all labels.
pub(super) struct CrashPoint {
    operation: Operation,
    key_prefix: String,
    /// How many calls are left until it is reached.
    calls_left: AtomicU64,
    when: When,
}

impl CrashPoint {
    /// The point that the environment names, if it names one.
    pub(super) fn from_environment() -> Result<Option<Arc<Self>>, OpenError> {
        let Ok(text) = std::env::var(VARIABLE) else {
            return Ok(None);
        };
        tracing::warn!("this process kills itself at `{text}`, as `{VARIABLE}` says");
        text.parse()
            .map(Arc::new)
            .map(Some)
            .map_err(|()| OpenError {
                store: "key-value stores".to_owned(),
                problem: format!(
                    "expected `{VARIABLE}` to be OPERATION:KEY_PREFIX:NTH:WHEN, found `{text}`"
                ),
                fix: "unset it: it is for tests alone".to_owned(),
            })
    }

    /// `store`, with this point in it.
    pub(super) fn guard(self: Arc<Self>, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Crashing { store, point: self })
    }

    /// Makes the call, and dies before or after it if this is the one.
    async fn pass<T>(&self, operation: Operation, key: &str, call: impl Future<Output = T>) -> T {
        let reached = operation == self.operation
            && key.starts_with(&self.key_prefix)
            && self.calls_left.fetch_sub(1, Ordering::Relaxed) == 1;
        if reached && self.when == When::Before {
            tokio::time::sleep(OTHERS).await;
            die().await;
        }
        let returned = call.await;
        if reached {
            die().await;
        }
        returned
    }
}

impl FromStr for CrashPoint {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<_> = text.split(':').collect();
        let [operation, key_prefix, nth, when] = parts[..] else {
            return Err(());
        };
        Ok(Self {
            operation: match operation {
                "set" => Operation::Set,
                "delete" => Operation::Delete,
                "increment" => Operation::Increment,
                "swap" => Operation::Swap,
                _ => return Err(()),
            },
            key_prefix: key_prefix.to_owned(),
            calls_left: AtomicU64::new(nth.parse().map_err(|_| ())?),
            when: match when {
                "before" => When::Before,
                "after" => When::After,
                _ => return Err(()),
            },
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Set,
    Delete,
    Increment,
    Swap,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

/// Ends this process at once, as a SIGKILL from outside does: nothing is flushed or cleaned up.
async fn die() {
    // OK to ignore: a process can always signal itself.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // What called must not go on in the moment that the signal takes.
    pending::<()>().await;
}

/// A store with a [`CrashPoint`] in it.
struct Crashing {
    store: Arc<dyn Store>,
    point: Arc<CrashPoint>,
}

#[async_trait]
impl Store for Crashing {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        let call = self.store.set(key, value);
        self.point.pass(Operation::Set, key, call).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let call = self.store.delete(key);
        self.point.pass(Operation::Delete, key, call).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.store.exists(key).await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.store.get_many(keys).await
    }

    // The components write keys one by one, so that batches have no points.
    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        self.store.set_many(pairs).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), Error> {
        self.store.delete_many(keys).await
    }

    fn keys(&self) -> Keys {
        self.store.keys()
    }

    async fn keys_after(&self, after: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        self.store.keys_after(after, limit).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        let call = self.store.increment(key, delta);
        self.point.pass(Operation::Increment, key, call).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<Swap, Error> {
        let call = self.store.compare_and_swap(key, expected, value);
        self.point.pass(Operation::Swap, key, call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_four_parts_of_which_each_is_known() {
        let Ok(point) = "swap:order_:2:after".parse::<CrashPoint>() else {
            panic!("expected a point")
        };
        assert!(point.operation == Operation::Swap && point.when == When::After);
        assert_eq!(point.key_prefix, "order_");
        for text in [
            "",
            "swap:order_:2",
            "get:order_:1:after",
            "set::x:after",
            "set::1:never",
        ] {
            assert!(text.parse::<CrashPoint>().is_err(), "`{text}`");
        }
    }
}
