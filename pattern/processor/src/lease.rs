//! Keeping a claim: renewal while the work runs.

use std::rc::Rc;
use std::time::{Duration, Instant};

use protocol::{Claimant, OrderId, RenewError};
use work::Context;

use crate::app::App;

/// Renews the lease, and stores the progress that the work tells, until the claim is lost; says how.
///
/// A lease is renewed after a third of it, so that two renewals may fail before it runs
/// out. In between, only progress is reason for a write. Time is told by a clock that is never set, and
/// counts from before a write, as it does for those who read it.
pub async fn keep(
    app: &Rc<App>,
    id: OrderId,
    claimant: Claimant,
    claimed_at: Instant,
    context: &Context,
) -> String {
    let lease = Duration::from_millis(claimant.lease_ms);
    let interval = app.settings.progress_interval.min(lease / 3);
    let mut renewed_at = claimed_at;
    let mut stored = None;
    loop {
        guest::sleep(interval).await;
        let began = Instant::now();
        let progress = context.progress();
        // Half an interval of slack: timers are late, never early.
        let due = began.duration_since(renewed_at) + interval / 2 >= lease / 3;
        if !due && progress == stored {
            continue;
        }
        let now = guest::now();
        match protocol::renew(&app.store, id, claimant, progress, guest::token(), now).await {
            Ok(_) => {
                renewed_at = began;
                stored = progress;
            }
            Err(lost @ RenewError::Lost(_)) => return lost.to_string(),
            // Nobody can say whether the claim still holds: past the lease, another may work on it.
            Err(RenewError::Store(error)) if renewed_at.elapsed() >= lease => return error,
            Err(RenewError::Store(error)) => {
                eprintln!("the lease of order `{id}` is not renewed yet: {error}");
            }
        }
    }
}
