//! Attempts in this process. Because the host waits for each and has chosen its claim token, it
//! knows which run, can wait for them when it stops, and can hand back the rest.

use super::Runner;
use crate::clock;
use crate::metrics::{Attempted, Metrics};
use crate::order::{Answer, Processor, Settled};
use async_trait::async_trait;
use http::StatusCode;
use http::header::HeaderValue;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long handing one order back may take.
const RELEASE_MAX: Duration = Duration::from_secs(5);

/// Added to the wait for a time, so that the component's clock, which counts milliseconds, has
/// reached that time too.
const CLOCK_TICK: Duration = Duration::from_millis(1);

/// Makes attempts on instances of the component.
pub(crate) struct InProcess {
    processor: Processor,
    /// Room for handing back beside the attempts that run.
    releases: Semaphore,
    metrics: Metrics,
}

impl InProcess {
    /// Has `processor` make attempts and notes them in `metrics`; hands so many back at once as it
    /// has room for beside them.
    pub(crate) fn new(processor: Processor, releases_max: usize, metrics: Metrics) -> Self {
        Self {
            processor,
            releases: Semaphore::new(releases_max),
            metrics,
        }
    }
}

#[async_trait]
impl Runner for InProcess {
    async fn run(
        &self,
        order_id: &str,
        token: Uuid,
        traceparent: Option<HeaderValue>,
    ) -> Option<Duration> {
        let began = Instant::now();
        let outcome = self
            .processor
            .attempt(order_id, token, traceparent.clone())
            .await;
        let again_in = outcome.as_ref().ok().and_then(again_in);
        let attempted = report(order_id, traceparent.as_ref(), outcome);
        self.metrics.attempted(attempted, began.elapsed());
        again_in
    }

    async fn release(&self, order_id: &str, token: Uuid) {
        // OK because the semaphore is never closed.
        let _permit = self.releases.acquire().await.expect("there is room again");
        let answer = tokio::time::timeout(RELEASE_MAX, self.processor.release(order_id, token));
        match answer.await {
            Ok(Ok(Answer { status, .. })) if status.is_success() => {
                tracing::info!(order_id, "an attempt was handed back");
            }
            // It settled meanwhile.
            Ok(Ok(Answer {
                status: StatusCode::CONFLICT,
                ..
            })) => {}
            Ok(Ok(Answer { status, .. })) => {
                tracing::warn!(
                    order_id,
                    status = status.as_u16(),
                    "an attempt was not handed back; its lease will run out"
                );
            }
            Ok(Err(failure)) => {
                tracing::warn!(
                    order_id,
                    error = failure.to_string(),
                    "an attempt was not handed back; its lease will run out"
                );
            }
            Err(_) => {
                tracing::warn!(
                    order_id,
                    "an attempt was not handed back in time; its lease will run out"
                );
            }
        }
    }
}

/// How long until the order is to be attempted again, if the answer says so.
fn again_in(answer: &Answer) -> Option<Duration> {
    if answer.status != StatusCode::OK {
        return None;
    }
    let settled: Settled = serde_json::from_slice(&answer.body).ok()?;
    let wait = settled.next_attempt_at?.duration_since(clock::now());
    // A time that has passed makes a negative duration, which is no wait.
    Some(Duration::try_from(wait).unwrap_or_default() + CLOCK_TICK)
}

/// Logs how an attempt ended, and returns it in a word.
fn report(
    order_id: &str,
    traceparent: Option<&HeaderValue>,
    outcome: Result<Answer, host::Error>,
) -> Attempted {
    let traceparent = traceparent.and_then(|value| value.to_str().ok());
    match outcome {
        Ok(Answer {
            status: StatusCode::OK,
            body,
            ..
        }) => {
            let settled = serde_json::from_slice::<Settled>(&body).ok();
            let settled = settled.as_ref().map(|settled| settled.status.as_str());
            tracing::debug!(order_id, traceparent, settled, "an attempt settled");
            match settled {
                Some("completed") => Attempted::Completed,
                Some("failed") => Attempted::Failed,
                _ => Attempted::Retried,
            }
        }
        // Somebody else has it, it is settled or not yet due, or it is gone.
        Ok(Answer {
            status: status @ (StatusCode::CONFLICT | StatusCode::NOT_FOUND),
            ..
        }) => {
            tracing::debug!(
                order_id,
                traceparent,
                status = status.as_u16(),
                "a dispatch was not needed"
            );
            Attempted::NotNeeded
        }
        Ok(Answer { status, .. }) => {
            tracing::warn!(
                order_id,
                traceparent,
                status = status.as_u16(),
                "an attempt could not be made; a sweep will dispatch the order again"
            );
            Attempted::Refused
        }
        Err(failure) => {
            tracing::error!(
                order_id,
                traceparent,
                error = failure.to_string(),
                "an attempt failed with its instance; a sweep will dispatch the order again"
            );
            Attempted::Crashed
        }
    }
}
