//! Why an event cannot happen to an order.

use crate::{OrderId, Status, Timestamp};

/// An event that cannot happen to an order now. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order `{id}` is {} and {refusal}", .status.as_str())]
pub struct IllegalTransition {
    /// The order.
    pub id: OrderId,
    /// Its status, which stays.
    pub status: Status,
    /// Why not.
    pub refusal: Refusal,
}

/// Why a transition is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its next attempt is not due yet.
    #[error("its next attempt is due at {at}")]
    NotDue {
        /// When it is.
        at: Timestamp,
    },
    /// Another claim holds it.
    #[error("another claim holds it until {until}")]
    Held {
        /// Until when, unless that claim is renewed.
        until: Timestamp,
    },
    /// It is one of several that were written for one idempotency key, and which of them the key
    /// stands for is yet to be made sure.
    #[error("its idempotency key may stand for another order")]
    Undecided,
    /// The next delivery that tells of its end is not due yet.
    #[error("the next delivery of its notification is due at {at}")]
    DeliveryNotDue {
        /// When it is.
        at: Timestamp,
    },
    /// It has not ended, so that there is nothing to tell.
    #[error("has not ended")]
    NotEnded,
    /// Its next attempt must have an instance to itself.
    #[error("its next attempt must be alone in its instance")]
    NotAlone,
    /// The token presented does not hold it, or nobody does.
    #[error("the token presented does not hold it")]
    NotHolder,
    /// It has ended.
    #[error("has ended")]
    Terminal,
}
