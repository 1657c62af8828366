//! Settle and cancel: how an attempt or an order ends.

use std::cell::Cell;

use serde_json::value::RawValue;

use crate::claim::close;
use crate::update::{UpdateError, update};
use crate::{Event, IllegalTransition, OrderId, Record, Status, Store, Timestamp, Token, apply};

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum AttemptEnd {
    /// The work is done.
    Completed {
        /// What it gave, if anything beyond its being done.
        result: Option<Box<RawValue>>,
    },
    /// The work failed, and another attempt is of no use.
    Permanent {
        /// What went wrong.
        message: String,
    },
    /// The work failed in a way that another attempt may mend.
    Retryable {
        /// What went wrong.
        message: String,
        /// How long to wait before the next attempt, in milliseconds.
        delay_ms: u64,
    },
}

/// Why an attempt's end was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The claim had been lost: the order was taken over, or has ended. This end is dropped.
    #[error("the end of the attempt is dropped: {0}")]
    Dropped(String),
    /// The store failed. The end may have been recorded nevertheless; settling again with the
    /// same `write` tells.
    #[error("{0}")]
    Store(String),
}

/// Ends the attempt that holds the order under `token`: it is completed, failed, or pending for a retry.
///
/// Fenced: an end that comes from a claim which was lost changes nothing. If the order
/// was cancelled meanwhile, it stays so, and the history notes that an outcome came late;
/// the returned record is the cancelled one.
///
/// # Errors
/// [`SettleError`].
pub async fn settle<S: Store>(
    store: &S,
    id: OrderId,
    token: Token,
    end: AttemptEnd,
    write: Token,
    now: Timestamp,
) -> Result<Record, SettleError> {
    let event = Event::Ended { token, end };
    match update(store, id, write, |record| apply(record, &event, now)).await {
        Ok(record) => {
            // Record before marker: a crash in between leaves a marker that the sweep removes,
            // where the other order would leave an open order that no sweep finds.
            if record.status().is_terminal() {
                close(store, id).await;
            }
            Ok(record)
        }
        Err(refused @ (UpdateError::Refused(_) | UpdateError::NotFound(_))) => {
            Err(SettleError::Dropped(refused.to_string()))
        }
        Err(failed) => Err(SettleError::Store(failed.to_string())),
    }
}

/// Takes an open order back. Work that runs learns of it at its next renewal.
///
/// Of clients who cancel at once, each is told that the order is cancelled.
///
/// # Errors
/// [`UpdateError::Refused`] when the order had ended before.
pub async fn cancel<S: Store>(
    store: &S,
    id: OrderId,
    write: Token,
    now: Timestamp,
) -> Result<Record, UpdateError<IllegalTransition>> {
    let was_open = Cell::new(false);
    let cancelled_meanwhile = Cell::new(None);
    let decide = |record: &Record| {
        let decision = apply(record, &Event::Cancelled, now);
        if decision.is_ok() {
            was_open.set(true);
        } else if was_open.get() && record.status() == Status::Cancelled {
            // Most likely by this very write: before it was read back, the late outcome of the
            // work that ran was noted over it.
            cancelled_meanwhile.set(Some(record.clone()));
        }
        decision
    };
    let updated = update(store, id, write, decide).await;
    let record = match (updated, cancelled_meanwhile.take()) {
        (Err(UpdateError::Refused(_)), Some(record)) => record,
        (updated, _) => updated?,
    };
    close(store, id).await;
    Ok(record)
}
