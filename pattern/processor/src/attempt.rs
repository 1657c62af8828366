//! One attempt: run the work of an order that is held, and settle how it ended.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::{Either, LocalBoxFuture, select};
use protocol::{AttemptEnd, Claimant, Record, SettleError};
use work::Context;

use crate::app::App;
use crate::company::Place;
use crate::{lease, retry_delay_ms};

/// How long work may clean up after it was cancelled.
const CLEAN_UP: Duration = Duration::from_secs(1);
/// The delay between two tries to settle on a store that fails.
const SETTLE_AGAIN: Duration = Duration::from_millis(500);

/// An order that this processor holds, for one attempt.
pub struct Attempt {
    /// The record, as the claim wrote it.
    pub record: Record,
    /// By which right it is held.
    pub claimant: Claimant,
    /// From when the lease counts.
    pub claimed_at: Instant,
    /// Its place in the instance.
    pub place: Place,
}

/// Runs the work and records its outcome. Returns the record as it was settled; `None` if the
/// claim was lost, so that there was nothing to settle.
///
/// The lease is renewed while the work waits. If the claim is lost, by cancellation or to
/// another processor, or the attempt takes too long, the work is stopped.
pub async fn run(app: &Rc<App>, attempt: Attempt) -> Option<Record> {
    let Attempt {
        record,
        claimant,
        claimed_at,
        place: _place,
    } = attempt;
    let timeout = app.settings.attempt_timeout;
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    let context = Context::new(&record, guest::now().plus_ms(timeout_ms));
    let work = app.settings.work.run(&record.order, &context);
    let keep = Box::pin(lease::keep(app, record.id, claimant, claimed_at, &context));
    let time_is_up = Box::pin(guest::sleep(timeout));
    match select(work, select(keep, time_is_up)).await {
        Either::Left((ended, _)) => settle(app, &record, claimant, ended).await,
        Either::Right((Either::Left((lost, _)), work)) => {
            eprintln!("order `{}` was taken from its processor: {lost}", record.id);
            let ended = clean_up(work, &context).await?;
            // Dropped by the fence; but the history of a cancelled order notes that it came.
            settle(app, &record, claimant, ended).await
        }
        Either::Right((Either::Right(((), keep)), work)) => {
            // The lease is kept meanwhile, so that nobody else begins. What the work says of its end
            // came too late, whatever it is.
            select(Box::pin(clean_up(work, &context)), keep).await;
            let message = format!("the attempt took longer than {} s", timeout.as_secs());
            let end = AttemptEnd::Retryable {
                error: message.into(),
                delay_ms: retry_delay_ms(record.attempt),
            };
            settle(app, &record, claimant, end).await
        }
    }
}

/// Tells the work that its outcome is of no use, and gives it a second; what it ends with then, if it does.
async fn clean_up(work: LocalBoxFuture<'_, AttemptEnd>, context: &Context) -> Option<AttemptEnd> {
    context.cancel();
    match select(work, Box::pin(guest::sleep(CLEAN_UP))).await {
        Either::Left((ended, _)) => Some(ended),
        Either::Right(_) => None,
    }
}

/// Settles, again and again while the store fails, for as long as a lease: after that the
/// order is taken over anyway. One name for all tries, so that one that happened is recognised.
async fn settle(
    app: &Rc<App>,
    held: &Record,
    claimant: Claimant,
    end: AttemptEnd,
) -> Option<Record> {
    let write = guest::token();
    let (began, lease) = (Instant::now(), Duration::from_millis(app.settings.lease_ms));
    loop {
        let now = guest::now();
        match protocol::settle(&app.store, held.id, claimant.token, end.clone(), write, now).await {
            Ok(record) => return Some(record),
            Err(SettleError::Store(error)) if began.elapsed() < lease => {
                eprintln!("order `{}` is not settled yet: {error}", held.id);
                guest::sleep(SETTLE_AGAIN).await;
            }
            Err(error) => {
                eprintln!("order `{}` was not settled: {error}", held.id);
                return None;
            }
        }
    }
}
