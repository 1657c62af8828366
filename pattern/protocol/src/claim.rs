//! Claim, renew and release: how one processor at a time holds an order.

use crate::idempotency;
use crate::settle::move_if_over;
use crate::update::{UpdateError, update};
use crate::{
    Claim, Event, IllegalTransition, OrderId, Record, Refusal, Store, StoreError, Timestamp, Token,
    apply,
};

/// Who claims, and for how long without renewal.
#[derive(Clone, Copy, Debug)]
pub struct Claimant {
    /// Fresh for each claim.
    pub token: Token,
    /// How long the claim holds without renewal, in milliseconds.
    pub lease_ms: u64,
    /// Whether the attempt has its instance to itself.
    pub alone: bool,
    /// Names the time in which the claimant's host has the store for itself, if it has: a claim of
    /// another tenure is dead, whatever its lease says.
    pub tenure: Option<Token>,
}

impl Claimant {
    fn claim_at(self, now: Timestamp) -> Claim {
        Claim {
            token: self.token,
            lease_until: now.plus_ms(self.lease_ms),
            tenure: self.tenure,
        }
    }

    /// The record with the claim, or settled as failed if the attempt before was lost and was the
    /// last.
    fn decide(self, record: &Record, now: Timestamp) -> Result<Record, IllegalTransition> {
        let lost = self
            .tenure
            .and_then(|tenure| apply(record, &Event::Interrupted { tenure }, now).ok())
            .or_else(|| apply(record, &Event::LeaseExpired, now).ok());
        // If it was not lost, the lease holds, or there is none: the claim itself is judged.
        match &lost {
            Some(lost) if lost.status().is_terminal() => Ok(lost.clone()),
            _ => {
                let claimed = Event::Claimed {
                    claim: self.claim_at(now),
                    alone: self.alone,
                };
                apply(lost.as_ref().unwrap_or(record), &claimed, now)
            }
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

/// Takes the order for one attempt, if it is pending and due or its attempt was lost.
///
/// Of all who claim an order at once, one succeeds. `write` names the write.
///
/// An order that came with an idempotency key may be one of several that were written for it at once:
/// before its first attempt it is made sure that it is the one that the key stands for.
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
    let decide = |record: &Record| claimant.decide(record, now).map(Some);
    let mut claimed = update(store, id, write, decide).await;
    if let Err(UpdateError::Refused(refused)) = &claimed
        && refused.refusal == Refusal::Undecided
    {
        // The claim's name is fresh, so that it can name this write too.
        if idempotency::decide(store, id, claimant.token, now).await? != id {
            return Err(ClaimError::NotFound(id));
        }
        claimed = update(store, id, write, decide).await;
    }
    let record = claimed?;
    if record.status().is_terminal() {
        move_if_over(store, &record).await;
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
    let decide = |record: &Record| apply(record, &event, now).map(Some);
    Ok(update(store, id, write, decide).await?)
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
    let decide = |record: &Record| apply(record, &Event::Released { token }, now).map(Some);
    Ok(update(store, id, write, decide).await?)
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
