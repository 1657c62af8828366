//! Attempts in executions of an Azure Container Apps job: each order in a container of its own.
//!
//! A dispatch starts an execution with `ORDER_ID` in its environment, which runs `wasm-shim job`.
//! Azure takes some half a minute until that claims the order; until then the order looks as if
//! nobody had it, and is dispatched again by whoever asks after it. So an order whose execution was
//! started a while ago is not started again ([`RecentStarts`]). Two executions of one order would do no
//! harm, as the claim decides, but cost what a container costs.

mod recent;

use self::recent::RecentStarts;
use super::Runner;
use async_trait::async_trait;
use azure::{JobClient, JobSettings, SetupError};
use http::header::HeaderValue;
use std::time::Duration;
use uuid::Uuid;

/// Tells `wasm-shim job` which order it is for.
const ORDER_ID: &str = "ORDER_ID";

/// Starts an execution for each dispatch.
pub(crate) struct Executions {
    job: JobClient,
    recent: RecentStarts,
}

impl Executions {
    /// Will start executions of `job`; asks nobody anything yet.
    ///
    /// # Errors
    /// If the environment offers no identity, or no TLS.
    pub(crate) fn new(job: &JobSettings) -> Result<Self, SetupError> {
        Ok(Self {
            job: JobClient::new(job)?,
            recent: RecentStarts::default(),
        })
    }
}

#[async_trait]
impl Runner for Executions {
    /// When an order is to be attempted again is known where it is attempted: a sweep finds it.
    async fn run(
        &self,
        order_id: &str,
        _: Uuid,
        traceparent: Option<HeaderValue>,
    ) -> Option<Duration> {
        let start = self.recent.begin(order_id)?;
        let traceparent = traceparent.as_ref().and_then(|value| value.to_str().ok());
        match self.job.start(ORDER_ID, order_id).await {
            Ok(execution) => {
                tracing::info!(order_id, traceparent, execution, "an execution was started");
            }
            Err(error) => {
                if !error.may_have_started() {
                    start.forget();
                }
                tracing::error!(
                    order_id,
                    traceparent,
                    error = error.to_string(),
                    "no execution was started; a sweep will dispatch the order again"
                );
            }
        }
        None
    }

    /// The attempts are not in this process: they outlive it.
    async fn release(&self, _: &str, _: Uuid) {}
}
