//! Keeping a claim: renewal while the work runs.

use std::rc::Rc;
use std::time::Duration;

use orders::{Claimant, OrderId, RenewError};

use crate::app::App;
use crate::contract::Context;

/// Renews the lease, and stores the progress that the work tells, until the claim is lost; says how.
///
/// A lease is renewed after a third of it, so that two renewals may fail before it runs
/// out. In between, only progress is reason for a write.
pub async fn keep(app: &Rc<App>, id: OrderId, claimant: Claimant, context: &Context) -> String {
    let renew_after_ms = claimant.lease_ms / 3;
    let interval = app
        .progress_interval
        .min(Duration::from_millis(renew_after_ms));
    let mut renewed_at = guest::now();
    let mut stored = None;
    loop {
        guest::sleep(interval).await;
        let now = guest::now();
        let progress = context.progress();
        // Half an interval of slack: timers are late, never early.
        let due = now.plus_ms(half(interval)).ms_since(renewed_at) >= renew_after_ms;
        if !due && progress == stored {
            continue;
        }
        match orders::renew(&app.store, id, claimant, progress, guest::token(), now).await {
            Ok(_) => {
                renewed_at = now;
                stored = progress;
            }
            Err(lost @ RenewError::Lost(_)) => return lost.to_string(),
            // Nobody can say whether the claim still holds: past the lease, another may work on it.
            Err(RenewError::Store(error)) if now.ms_since(renewed_at) >= claimant.lease_ms => {
                return error;
            }
            Err(RenewError::Store(error)) => {
                eprintln!("the lease of order `{id}` is not renewed yet: {error}");
            }
        }
    }
}

fn half(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis() / 2).unwrap_or(u64::MAX)
}
