//! Named points at which this process kills or stops itself: how tests prove what a crash there
//! leaves, and what becomes of a process that goes on there long after.
//!
//! `WASM_SHIM_CRASH_AT=OPERATION:KEY_PREFIX:NTH:WHEN` names one at which it kills itself. OPERATION
//! is `set`, `delete`, `increment` or `swap`; of the calls on keys that begin with `KEY_PREFIX` the
//! NTH is meant, counted from 1; WHEN is `before` or `after` it. So `swap:open_:1:after` is after the
//! first claim is durable and before the processor is told. `WASM_SHIM_PAUSE_AT` names one in the same
//! way at which the process stops itself, as by SIGSTOP; it goes on when somebody sends it SIGCONT.
//! Where the variables are unset, as they are outside tests, a store is used as it is and none of
//! this is on its way.

use super::{Error, Keys, OpenError, Store, SwapOutcome};
use async_trait::async_trait;
use rustix::process::{Signal, getpid, kill_process};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The variables that name a point, and what the process does to itself there.
const VARIABLES: [(&str, Signal); 2] = [
    ("WASM_SHIM_CRASH_AT", Signal::KILL),
    ("WASM_SHIM_PAUSE_AT", Signal::STOP),
];

/// How long other calls that are under way get to end, before a point before a call. So what
/// dies in between two writes really leaves the one and not the other.
const OTHERS: Duration = Duration::from_millis(100);

/// How long a signal to this process may take until it has stopped all threads.
const SIGNALLED: Duration = Duration::from_millis(100);

/// A point in this process's life, shared by all labels.
pub(super) struct CrashPoint {
    place: Place,
    /// How many calls are left until it is reached.
    calls_left: AtomicU64,
    /// What the process sends itself there.
    signal: Signal,
}

impl CrashPoint {
    /// The points that the environment names, if it names any.
    pub(super) fn from_environment() -> Result<Vec<Arc<Self>>, OpenError> {
        let mut points = Vec::new();
        for (variable, signal) in VARIABLES {
            let Ok(text) = std::env::var(variable) else {
                continue;
            };
            tracing::warn!("this process stops at `{text}`, as `{variable}` says");
            let (place, nth) = parse(&text).ok_or_else(|| OpenError {
                store: "key-value stores".to_owned(),
                problem: format!(
                    "expected `{variable}` to be OPERATION:KEY_PREFIX:NTH:WHEN, found `{text}`"
                ),
                fix: "unset it: it is for tests alone".to_owned(),
            })?;
            points.push(Arc::new(Self {
                place,
                calls_left: AtomicU64::new(nth),
                signal,
            }));
        }
        Ok(points)
    }

    /// `store`, with this point in it.
    pub(super) fn guard(self: Arc<Self>, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Crashing { store, point: self })
    }

    /// Makes the call, and dies or stops before or after it if this is the one.
    async fn pass<T>(&self, operation: Operation, key: &str, call: impl Future<Output = T>) -> T {
        let reached = operation == self.place.operation
            && key.starts_with(&self.place.key_prefix)
            && self.calls_left.fetch_sub(1, Ordering::Relaxed) == 1;
        if reached && self.place.when == When::Before {
            tokio::time::sleep(OTHERS).await;
            self.reach().await;
        }
        let returned = call.await;
        if reached && self.place.when == When::After {
            self.reach().await;
        }
        returned
    }

    /// Ends or stops this process at once, as a signal from outside does: nothing is flushed or
    /// cleaned up.
    async fn reach(&self) {
        // OK to ignore: a process can always signal itself.
        let _ = kill_process(getpid(), self.signal);
        // What called must not go on in the moment that the signal takes.
        if self.signal == Signal::KILL {
            pending::<()>().await;
        }
        tokio::time::sleep(SIGNALLED).await;
    }
}

/// Which calls are meant, and which side of one.
struct Place {
    operation: Operation,
    key_prefix: String,
    when: When,
}

/// A place, and the number of the call there.
fn parse(text: &str) -> Option<(Place, u64)> {
    let parts: Vec<_> = text.split(':').collect();
    let [operation, key_prefix, nth, when] = parts[..] else {
        return None;
    };
    let place = Place {
        operation: match operation {
            "set" => Operation::Set,
            "delete" => Operation::Delete,
            "increment" => Operation::Increment,
            "swap" => Operation::SwapOutcome,
            _ => return None,
        },
        key_prefix: key_prefix.to_owned(),
        when: match when {
            "before" => When::Before,
            "after" => When::After,
            _ => return None,
        },
    };
    Some((place, nth.parse().ok()?))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Set,
    Delete,
    Increment,
    SwapOutcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
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

    async fn keys_before(&self, before: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        self.store.keys_before(before, limit).await
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
    ) -> Result<SwapOutcome, Error> {
        let call = self.store.compare_and_swap(key, expected, value);
        self.point.pass(Operation::SwapOutcome, key, call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_four_parts_of_which_each_is_known() {
        let Some((place, nth)) = parse("swap:open_:2:after") else {
            panic!("expected a point")
        };
        assert!(place.operation == Operation::SwapOutcome && place.when == When::After);
        assert_eq!((&*place.key_prefix, nth), ("open_", 2));
        for text in [
            "",
            "swap:open_:2",
            "get:open_:1:after",
            "set::x:after",
            "set::1:never",
        ] {
            assert!(parse(text).is_none(), "`{text}`");
        }
    }
}
