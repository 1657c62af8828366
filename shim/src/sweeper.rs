//! Sweeps: the component is asked for one, at start and then when it is due, and what it finds is
//! dispatched.

use crate::clock;
use crate::dispatch::{Dispatched, Dispatcher};
use crate::metrics::Metrics;
use crate::order::{Answer, Processor};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long until the next sweep if the component does not say, or says later.
const INTERVAL_MAX: Duration = Duration::from_secs(15);

/// How long until the next sweep at least, whatever the component says.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Who has the component sweep, dispatches what it finds, and counts. One sweep is under way at a
/// time; who asks for another meanwhile gets the answer to that one.
#[derive(Clone)]
pub(crate) struct Sweeper(Arc<Inner>);

struct Inner {
    processor: Processor,
    dispatcher: Dispatcher,
    runtime: Handle,
    metrics: Metrics,
    under_way: Mutex<Option<UnderWay>>,
    /// Held while what retention has ended is removed.
    expiring: tokio::sync::Mutex<()>,
}

type UnderWay = Shared<BoxFuture<'static, Result<Answer, host::Error>>>;

impl Sweeper {
    /// Has `processor` sweep, and `dispatcher` see to what it finds; its tasks are spawned on
    /// `runtime`.
    pub(crate) fn new(
        processor: Processor,
        dispatcher: Dispatcher,
        runtime: Handle,
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Inner {
            processor,
            dispatcher,
            runtime,
            metrics,
            under_way: Mutex::default(),
            expiring: tokio::sync::Mutex::default(),
        }))
    }

    /// Asks for one sweep, which there is if one is due. What retention has ended is removed after
    /// it, which nobody waits for.
    pub(crate) async fn sweep(&self) -> Result<Answer, host::Error> {
        let under_way = self.under_way().get_or_insert_with(|| self.begin()).clone();
        under_way.await
    }

    /// Sweeps and removes what retention has ended: whether that succeeded, and what there is to
    /// print of it.
    pub(crate) async fn sweep_and_expire(&self) -> Result<(bool, Bytes), host::Error> {
        let Answer { status, body, .. } = self.sweep_now().await?;
        if !status.is_success() || !was_taken(&body) {
            return Ok((status.is_success(), body));
        }
        let removed = self.expire().await?;
        Ok((true, with_removed(&body, removed)))
    }

    /// Begins a sweep that goes on whether or not anybody waits for it.
    fn begin(&self) -> UnderWay {
        let (tell, told) = oneshot::channel();
        let sweeper = self.clone();
        self.0.runtime.spawn(async move {
            let outcome = sweeper.sweep_now().await;
            let taken = matches!(&outcome, Ok(answer) if was_taken(&answer.body));
            sweeper.under_way().take();
            // OK to ignore: who asked may have gone.
            let _ = tell.send(outcome);
            if taken && let Err(failure) = sweeper.expire().await {
                tracing::warn!(
                    error = failure.to_string(),
                    "what retention has ended was not removed; it is after the next sweep"
                );
            }
        });
        let stopped = || Err(host::Error::Exhausted("the host is stopping".into()));
        told.map(move |told| told.unwrap_or_else(|_| stopped()))
            .boxed()
            .shared()
    }

    /// Sweeps and dispatches what was found.
    async fn sweep_now(&self) -> Result<Answer, host::Error> {
        let mut answer = self.0.processor.sweep().await?;
        let Ok(Found { swept: true, open }) = serde_json::from_slice(&answer.body) else {
            return Ok(answer);
        };
        let Ok(mut document) = serde_json::from_slice::<Document>(&answer.body) else {
            return Ok(answer);
        };
        // One that dispatches by itself says how many.
        let mut due = document.get("dispatched").map_or(0, count);
        if let Some(Value::Array(ids)) = document.remove("due") {
            due = ids.len() as u64;
            let dispatched = self.dispatch_all(&ids);
            document.insert("dispatched".to_owned(), dispatched.into());
            answer.body = text(&document);
        }
        let removed = document.get("removed").map_or(0, count);
        self.0.metrics.swept(open, due, clock::now());
        self.0.metrics.removed(removed);
        Ok(answer)
    }

    /// Dispatches as many as there is room for, and returns how many that were. The others are
    /// due still when it is swept next.
    fn dispatch_all(&self, ids: &[Value]) -> usize {
        let ids = ids.iter().filter_map(Value::as_str);
        let outcomes = ids.map(|id| self.0.dispatcher.dispatch(id, None));
        outcomes
            .filter(|outcome| *outcome == Dispatched::Accepted)
            .count()
    }

    /// Has the component remove what retention has ended, unless it is at it, and returns how many
    /// orders that were. A component that does so when it sweeps has no route for it.
    async fn expire(&self) -> Result<u64, host::Error> {
        let Ok(_expiring) = self.0.expiring.try_lock() else {
            return Ok(0);
        };
        let Answer { status, body, .. } = self.0.processor.expire().await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(0);
        }
        if !status.is_success() {
            let text = format!("the component answered {status}");
            return Err(host::Error::Refused(text.into()));
        }
        let document: Option<Document> = serde_json::from_slice(&body).ok();
        let removed = document.and_then(|document| document.get("removed").map(count));
        let removed = removed.unwrap_or_default();
        self.0.metrics.removed(removed);
        Ok(removed)
    }

    fn under_way(&self) -> MutexGuard<'_, Option<UnderWay>> {
        // OK because nothing panics while it holds the lock.
        self.0.under_way.lock().expect("it is never poisoned")
    }
}

/// What an answer holds, as it is passed on.
type Document = serde_json::Map<String, Value>;

/// What a sweep tells whose turn it was.
#[derive(Deserialize)]
struct Found {
    swept: bool,
    #[serde(default)]
    open: i64,
}

/// Whether a sweep was answered that took the turn.
fn was_taken(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|Found { swept, .. }| swept)
}

/// The answer to a sweep with what was removed beside it, or by it.
fn with_removed(body: &Bytes, removed: u64) -> Bytes {
    let Ok(mut document) = serde_json::from_slice::<Document>(body) else {
        return body.clone();
    };
    let removed = document.get("removed").map_or(0, count) + removed;
    document.insert("removed".to_owned(), removed.into());
    text(&document)
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn text(document: &Document) -> Bytes {
    // OK because what was parsed can be written.
    serde_json::to_vec(document).expect("JSON is text").into()
}

/// Sweeps now, and then whenever the component says that a sweep is due, for ever.
pub(crate) async fn keep_sweeping(sweeper: Sweeper) {
    let mut reported = false;
    loop {
        let wait = match sweeper.sweep().await {
            Ok(Answer { status, body, .. }) if status.is_success() => {
                reported = false;
                until_next(&body, clock::now())
            }
            outcome => {
                if !reported {
                    let outcome = outcome.map_or_else(
                        |failure| failure.to_string(),
                        |answer| answer.status.to_string(),
                    );
                    tracing::debug!(outcome, "a sweep failed; it is tried again every 15 s");
                    reported = true;
                }
                INTERVAL_MAX
            }
        };
        tokio::time::sleep(wait).await;
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    next_sweep_at: Timestamp,
}

/// How long to wait after a sweep that was answered with `body`.
fn until_next(body: &[u8], now: Timestamp) -> Duration {
    serde_json::from_slice::<Swept>(body).map_or(INTERVAL_MAX, |swept| {
        let wait = swept.next_sweep_at.duration_since(now);
        // A time that has passed makes a negative duration, which is no wait.
        Duration::try_from(wait)
            .unwrap_or_default()
            .clamp(INTERVAL_MIN, INTERVAL_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_removed_is_counted_where_it_was() {
        let removed = |answer: &'static str| {
            let answer = with_removed(&Bytes::from_static(answer.as_bytes()), 3);
            serde_json::from_slice::<Value>(&answer).expect("JSON")
        };
        let together = removed(r#"{"swept":true,"open":1,"removed":2}"#);
        assert_eq!(together, json!({"swept": true, "open": 1, "removed": 5}));
        let beside = removed(r#"{"swept":true,"open":1}"#);
        assert_eq!(beside, json!({"swept": true, "open": 1, "removed": 3}));
    }

    #[test]
    fn the_next_sweep_is_when_the_component_says_within_bounds() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a timestamp");
        let wait = |body: &str| until_next(body.as_bytes(), now).as_secs();
        assert_eq!(
            wait(r#"{"nextSweepAt":"2026-11-22T12:00:07.000Z","swept":3}"#),
            7
        );
        assert_eq!(wait(r#"{"nextSweepAt":"2026-11-22T13:00:00.000Z"}"#), 15);
        assert_eq!(wait(r#"{"nextSweepAt":"2026-11-22T11:00:00.000Z"}"#), 1);
        assert_eq!(wait("{}"), 15);
        assert_eq!(wait("not JSON"), 15);
    }
}
