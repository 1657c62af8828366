//! Attempts in this process. Because the host waits for each and has chosen its claim token, it
//! knows which run, can wait for them when it stops, and can hand back the rest.

use super::Runner;
use crate::host::{Failure, Pool};
use crate::metrics::{Attempted, Metrics};
use crate::order::{self, Answer, Settled};
use async_trait::async_trait;
use http::StatusCode;
use http::header::HeaderValue;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long handing one order back may take.
const RELEASE_MAX: Duration = Duration::from_secs(5);

/// Makes attempts on the instances of a pool.
pub(crate) struct InProcess {
    pool: Pool,
    /// Room for handing back beside the attempts that run.
    releases: Semaphore,
    metrics: Metrics,
}

impl InProcess {
    /// Runs attempts on `pool` and notes them in `metrics`; hands so many back at once as it has
    /// room for beside them.
    pub(crate) fn new(pool: Pool, releases_max: usize, metrics: Metrics) -> Self {
        Self {
            pool,
            releases: Semaphore::new(releases_max),
            metrics,
        }
    }
}

#[async_trait]
impl Runner for InProcess {
    async fn run(&self, order_id: &str, token: Uuid, traceparent: Option<HeaderValue>) {
        let began = Instant::now();
        let outcome = order::attempt(&self.pool, order_id, token, traceparent.clone()).await;
        let attempted = report(order_id, traceparent.as_ref(), outcome);
        self.metrics.attempted(attempted, began.elapsed());
    }

    async fn release(&self, order_id: &str, token: Uuid) {
        // OK because the semaphore is never closed.
        let _permit = self.releases.acquire().await.expect("there is room again");
        let answer = tokio::time::timeout(RELEASE_MAX, order::release(&self.pool, order_id, token));
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

/// Logs how an attempt ended, and returns it in a word.
fn report(
    order_id: &str,
    traceparent: Option<&HeaderValue>,
    outcome: Result<Answer, Failure>,
) -> Attempted {
    let traceparent = traceparent.and_then(|value| value.to_str().ok());
    match outcome {
        Ok(Answer {
            status: StatusCode::OK,
            body,
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
