//! Notify: tell of an order's end, at least once, by deliveries that are fenced as attempts are.
//!
//! What a delivery is, is its caller's: between its beginning and its end it tells whoever is to be told.

use crate::settle::move_if_over;
use crate::update::{UpdateError, update};
use crate::{
    DeliveryEnd, Event, IllegalTransition, OrderId, Record, Store, Timestamp, Token, apply,
};

/// Takes the next delivery, if the order has ended, is to be told of, and one is due. Returns the record
/// that is to be told; or `None`, if its day is over and nothing more is.
///
/// Of all who take it at once, one succeeds. It is under way for `lease_ms`: if it has no end by then, it
/// counts as lost, and another may be begun. `delivery` is its name, and `write` that of the write.
///
/// # Errors
/// [`UpdateError::Refused`] if none is due. After [`UpdateError::Store`] it may be under way all the same,
/// and is lost.
pub async fn begin_delivery<S: Store>(
    store: &S,
    id: OrderId,
    delivery: Token,
    lease_ms: u64,
    write: Token,
    now: Timestamp,
) -> Result<Option<Record>, UpdateError<IllegalTransition>> {
    let event = Event::DeliveryBegun {
        delivery,
        until: now.plus_ms(lease_ms),
    };
    let decide = |record: &Record| apply(record, &event, now).map(Some);
    let record = update(store, id, write, decide).await?;
    if record.is_over() {
        move_if_over(store, &record).await;
        return Ok(None);
    }
    Ok(Some(record))
}

/// Ends the delivery that is under way under that name. Nothing more is to be told after it, so that the
/// record is moved; or another delivery is to be made later. Returns the record as it is then.
///
/// Fenced: the end of a delivery that was lost changes nothing, whatever it was. What a receiver was told
/// by it, it is told again.
///
/// # Errors
/// [`UpdateError::Refused`] if the delivery was lost. After [`UpdateError::Store`] its end may have been
/// recorded nevertheless; the same again, with the same `write`, tells.
pub async fn end_delivery<S: Store>(
    store: &S,
    id: OrderId,
    delivery: Token,
    end: DeliveryEnd,
    write: Token,
    now: Timestamp,
) -> Result<Record, UpdateError<IllegalTransition>> {
    let event = Event::DeliveryEnded { delivery, end };
    let decide = |record: &Record| apply(record, &event, now).map(Some);
    let record = update(store, id, write, decide).await?;
    move_if_over(store, &record).await;
    Ok(record)
}
