//! Settle and cancel: how an attempt or an order ends.

use crate::update::{UpdateError, move_ended, update};
use crate::{
    AttemptEnd, Event, IllegalTransition, OrderId, Record, Status, Store, Timestamp, Token, apply,
};

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
    let decide = |record: &Record| apply(record, &event, now).map(Some);
    match update(store, id, write, decide).await {
        Ok(record) => {
            move_if_over(store, &record).await;
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
/// Once is as good as twice: who takes back what was taken back is told that it is.
///
/// # Errors
/// [`UpdateError::Refused`] when the order had ended otherwise before.
pub async fn cancel<S: Store>(
    store: &S,
    id: OrderId,
    write: Token,
    now: Timestamp,
) -> Result<Record, UpdateError<IllegalTransition>> {
    let decide = |record: &Record| match record.status() {
        // Perhaps by this very write, over which a late outcome was noted before it was read back.
        Status::Cancelled => Ok(None),
        _ => apply(record, &Event::Cancelled, now).map(Some),
    };
    let record = update(store, id, write, decide).await?;
    move_if_over(store, &record).await;
    Ok(record)
}

/// A failure is left to the sweep, which finds an ended order among the open ones. So is one of which
/// something is still to be told.
pub(crate) async fn move_if_over<S: Store>(store: &S, record: &Record) {
    if record.is_over() {
        let _left_to_the_sweep = move_ended(store, record).await;
    }
}
