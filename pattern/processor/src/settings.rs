//! The component's variables, as what they mean; and `GET /configz`, which says what is wrong with them.

use std::time::Duration;

use guest::{Response, VariableFault, Variables};
use protocol::ExpiryPolicy;
use serde::Serialize;
use work::Work;

use crate::any_work::AnyWork;
use crate::notification::Notifications;
use crate::problem::Problem;

/// What the variables say.
pub struct Settings {
    /// The app's work.
    pub work: Box<dyn AnyWork>,
    /// How long a claim holds without renewal, in milliseconds.
    pub lease_ms: u64,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// The longest time between two looks at an attempt's progress.
    pub progress_interval: Duration,
    /// The time between two sweeps, in milliseconds.
    pub sweep_ms: u64,
    /// How many open orders one owner may have.
    pub owner_open_max: usize,
    /// Whom to tell when an order has ended.
    pub notifications: Notifications,
    /// How long to keep orders that have ended.
    pub expiry: ExpiryPolicy,
}

impl Settings {
    /// Reads them all.
    ///
    /// # Errors
    /// With whatever is not what it must be.
    pub async fn read<W: Work>() -> Result<Self, Vec<VariableFault>> {
        let mut variables = Variables::default();
        let lease_seconds: u64 = variables.number("lease_seconds", 1..=86_400).await;
        let progress_seconds = variables.number("progress_seconds", 1..=86_400).await;
        let attempt_timeout = variables.number("attempt_timeout_seconds", 1..=31_536_000);
        let attempt_timeout = Duration::from_secs(attempt_timeout.await);
        let sweep_seconds: u64 = variables.number("sweep_seconds", 1..=86_400).await;
        let retention_seconds: u64 = variables
            .number("retention_seconds", 60..=3_155_760_000)
            .await;
        let settings = Self {
            work: Box::new(W::from_variables(&mut variables).await),
            lease_ms: lease_seconds * 1000,
            attempt_timeout,
            progress_interval: Duration::from_secs(progress_seconds),
            sweep_ms: sweep_seconds * 1000,
            notifications: Notifications::from_variables::<W>(&mut variables).await,
            owner_open_max: variables.number("max_open_orders", 1..=usize::MAX).await,
            expiry: ExpiryPolicy {
                interval_ms: sweep_seconds * 1000,
                retention_ms: retention_seconds * 1000,
            },
        };
        variables.checked(settings)
    }
}

/// Whether this component can work with its variables. It is asked by the host before anything is
/// accepted, and by api, where the host does not ask.
pub async fn get<W: Work>() -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Configured {
        status: &'static str,
    }
    Settings::read::<W>()
        .await
        .map_err(Problem::misconfigured)?;
    Ok(Response::json(200, &Configured { status: "ok" }))
}
