//! Claim, renew and release: how one processor at a time holds an order.

use crate::update::{UpdateError, update};
use crate::{
    Claim, Event, IllegalTransition, Key, OrderId, Record, Refusal, Store, StoreError, Timestamp,
    Token, apply,
};

/// Who claims, and for how long without renewal.
#[derive(Clone, Copy, Debug)]
pub struct Claimant {
    /// Fresh for each claim.
    pub token: Token,
    /// How long the claim holds without renewal, in milliseconds.
    pub lease_ms: u64,
}

impl Claimant {
    fn claim_at(self, now: Timestamp) -> Claim {
        Claim {
            token: self.token,
            lease_until: now.plus_ms(self.lease_ms),
        }
    }
}

/// An order that a processor holds: it may work on it until the lease runs out.
#[derive(Clone, Debug)]
pub struct Held {
    /// The record as the claim wrote it.
    pub record: Record,
}

/// Why an order was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// There is no such order.
    #[error("order `{0}` does not exist")]
    NotFound(OrderId),
    /// Another processor holds it, it is not due, or it has ended.
    #[error(transparent)]
    Unavailable(IllegalTransition),
    /// Its lease had run out and it has no attempt left, so it was settled as failed instead.
    #[error("order `{0}` has used up its attempts")]
    Exhausted(OrderId),
    /// What is stored is no record.
    #[error("{0}")]
    Damaged(String),
    /// The store failed. The claim may hold nevertheless; its lease will run out.
    #[error(transparent)]
    Store(StoreError),
}

/// Takes the order for one attempt, if it is pending and due or its lease ran out.
///
/// Of all who claim an order at once, one succeeds. `write` names the write.
///
/// # Errors
/// [`ClaimError`]; the order is not held by this claimant then, except as told there.
pub async fn claim<S: Store>(
    store: &S,
    id: OrderId,
    claimant: Claimant,
    write: Token,
    now: Timestamp,
) -> Result<Held, ClaimError> {
    let decide = |record: &Record| {
        let mut record = record.clone();
        match apply(&record, &Event::LeaseExpired, now) {
            Ok(expired) if expired.status().is_terminal() => return Ok(expired),
            Ok(expired) => record = expired,
            // OK because the claim itself is judged next: the lease holds, or there is none.
            Err(_) => {}
        }
        apply(&record, &Event::Claimed(claimant.claim_at(now)), now)
    };
    let record = update(store, id, write, decide).await?;
    if record.status().is_terminal() {
        close(store, id).await;
        return Err(ClaimError::Exhausted(id));
    }
    Ok(Held { record })
}

impl From<UpdateError<IllegalTransition>> for ClaimError {
    fn from(error: UpdateError<IllegalTransition>) -> Self {
        match error {
            UpdateError::NotFound(id) => Self::NotFound(id),
            UpdateError::Refused(refused) => Self::Unavailable(refused),
            UpdateError::Damaged { .. } => Self::Damaged(error.to_string()),
            UpdateError::Store(error) => Self::Store(error),
        }
    }
}

/// Why a claim was not renewed or released.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The claim does not hold the order any more, so its work is of no use.
    #[error("the claim on order `{0}` is lost")]
    Lost(OrderId),
    /// The store failed, or its record is damaged. The claim may hold still; try again before the lease ends.
    #[error("{0}")]
    Store(String),
}

/// Makes the lease last `claimant.lease_ms` from `now`, and stores how far the work is.
///
/// # Errors
/// [`RenewError::Lost`] when the order was cancelled, taken over or has ended: stop the work.
pub async fn renew<S: Store>(
    store: &S,
    id: OrderId,
    claimant: Claimant,
    progress: Option<f64>,
    write: Token,
    now: Timestamp,
) -> Result<Record, RenewError> {
    let event = Event::Renewed {
        claim: claimant.claim_at(now),
        progress,
    };
    Ok(update(store, id, write, |record| apply(record, &event, now)).await?)
}

/// Hands the order back unworked: it is pending again, and the attempt does not count.
///
/// # Errors
/// [`RenewError::Lost`] when `token` does not hold the order.
pub async fn release<S: Store>(
    store: &S,
    id: OrderId,
    token: Token,
    write: Token,
    now: Timestamp,
) -> Result<Record, RenewError> {
    Ok(update(store, id, write, |record| {
        apply(record, &Event::Released { token }, now)
    })
    .await?)
}

impl From<UpdateError<IllegalTransition>> for RenewError {
    fn from(error: UpdateError<IllegalTransition>) -> Self {
        match error {
            UpdateError::NotFound(id)
            | UpdateError::Refused(IllegalTransition {
                id,
                refusal: Refusal::NotHolder | Refusal::Terminal,
                ..
            }) => Self::Lost(id),
            other => Self::Store(other.to_string()),
        }
    }
}

/// Removes the marker of an order that has ended.
///
/// A failure is left to the sweep, which finds the marker with an ended record.
pub(crate) async fn close<S: Store>(store: &S, id: OrderId) {
    let _left_to_the_sweep = store.delete(&Key::Marker(id)).await;
}
