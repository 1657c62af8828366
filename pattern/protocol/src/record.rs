//! What is stored for an order, and its JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Idempotency, Notification, NotificationStatus, Order, OrderId, Timestamp, Token};

/// The version of the record's JSON that this code writes. Every version up to it is read.
pub const RECORD_VERSION: u32 = 1;

/// How many attempts a record tells of; older ones are dropped first.
pub const ATTEMPTS_KEPT_MAX: usize = 20;

/// An order, its state, and its history: the one truth about it.
///
/// Only [`apply`](crate::apply) moves a record from state to state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The version of this JSON, [`RECORD_VERSION`] or lower.
    pub version: u32,
    /// Grows by one with each write, from 1. The client sees it as the `ETag`.
    pub revision: u64,
    /// Names the write that stored this revision, so that a writer who was not told
    /// whether it succeeded can recognise its own.
    pub write: Token,
    /// The order's id.
    pub id: OrderId,
    /// Who submitted the order; nobody in particular if the service is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The idempotency key that the order was submitted with, which is kept as long as the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Whether it is yet to be decided that its idempotency key stands for this order. Nobody has been
    /// told of it, and nobody works on it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub candidate: bool,
    /// When the order was accepted.
    pub created_at: Timestamp,
    /// When the record was last written.
    pub updated_at: Timestamp,
    /// How many attempts the order may take, from 1. One more where the last was lost together
    /// with others: see [`apply`](crate::apply).
    pub max_attempts: u32,
    /// The number of the latest attempt; 0 before the first.
    pub attempt: u32,
    /// The latest [`ATTEMPTS_KEPT_MAX`] attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// What the attempt that ended last tells programs of what went wrong, if it tells them anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_details: Option<Box<RawValue>>,
    /// Where the order stands.
    pub state: State,
    /// The trace that the order was submitted in (W3C Trace Context `traceparent`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What the systems of that trace say of it (`tracestate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// What the client would have told to all who work on the order (W3C Baggage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baggage: Option<String>,
    /// Whom to tell that the order has ended, and how that stands, if somebody is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<Box<Notification>>,
    /// What the client sent.
    pub order: Order,
}

impl Record {
    /// Reads a stored record of this version or an older one.
    ///
    /// # Errors
    /// If `json` is no record, or is of a version that only newer code knows.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidRecord> {
        let record: Self = serde_json::from_slice(json)?;
        if record.version > RECORD_VERSION {
            return Err(InvalidRecord::Newer(record.version));
        }
        Ok(record)
    }

    /// The record as it is stored.
    #[expect(clippy::missing_panics_doc, reason = "every record is JSON")]
    pub fn to_json(&self) -> Vec<u8> {
        // OK because every map key in a record is a string and no field's serializer fails.
        serde_json::to_vec(self).expect("a record is always JSON")
    }

    /// The status, as clients see it.
    pub fn status(&self) -> Status {
        match self.state {
            State::Pending { .. } => Status::Pending,
            State::Processing { .. } => Status::Processing,
            State::Completed { .. } => Status::Completed,
            State::Failed { .. } => Status::Failed,
            State::Cancelled { .. } => Status::Cancelled,
        }
    }

    /// From when on a processor may claim the order: at once or after a retry's delay if it
    /// is pending, when its lease runs out if it is being processed, never if it has ended.
    pub fn claimable_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Pending { next_attempt_at } => Some(next_attempt_at.unwrap_or(self.updated_at)),
            State::Processing { claim, .. } => Some(claim.lease_until),
            State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. } => None,
        }
    }

    /// When the order ended, if it has.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Completed { at, .. } | State::Failed { at, .. } | State::Cancelled { at } => {
                Some(at)
            }
            State::Pending { .. } | State::Processing { .. } => None,
        }
    }

    /// From when on a delivery may be begun that tells of the order's end; `None` while it is open, and
    /// once nothing more is to be told.
    pub fn tellable_at(&self) -> Option<Timestamp> {
        // Nobody was told of a candidate.
        let ended_at = self.ended_at().filter(|_| !self.candidate)?;
        let notification = self.notification.as_deref()?;
        match notification.settled {
            Some(_) => None,
            None => Some(notification.next_at.unwrap_or(ended_at)),
        }
    }

    /// Where its notification stands, if it has one.
    pub fn notification_status(&self) -> Option<NotificationStatus> {
        let notification = self.notification.as_deref()?;
        Some(if notification.settled.is_some() {
            NotificationStatus::Settled
        } else if !self.status().is_terminal() {
            NotificationStatus::Ahead
        } else if notification.delivery.is_some() {
            NotificationStatus::Delivering
        } else {
            NotificationStatus::Waiting
        })
    }

    /// Whether the order has ended, and nothing more is to be told of it: so that it may be moved.
    pub fn is_over(&self) -> bool {
        self.status().is_terminal() && self.tellable_at().is_none()
    }

    /// Whether the next attempt must be alone in its instance.
    ///
    /// Once a lease ran out: whether this order or a neighbour ended the instance, only an
    /// attempt that has none can tell. And where the next loss is the last.
    pub fn runs_alone(&self) -> bool {
        let lost = |attempt: &Attempt| attempt.outcome == Some(AttemptOutcome::LeaseExpired);
        self.attempt >= self.max_attempts || self.attempts.iter().any(lost)
    }

    /// The trace that the order belongs to, as the fields by which W3C has it passed on.
    pub fn trace(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("traceparent", &self.traceparent),
            ("tracestate", &self.tracestate),
            ("baggage", &self.baggage),
        ];
        let sent = fields.into_iter();
        sent.filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }

    /// Why the order failed, or why its latest attempt did.
    pub fn latest_error(&self) -> Option<Failure> {
        match &self.state {
            State::Failed { failure, .. } => Some(failure.clone()),
            State::Pending { .. } | State::Processing { .. } => {
                let attempt = self
                    .attempts
                    .iter()
                    .rev()
                    .find(|attempt| attempt.ended_at.is_some())?;
                let message = attempt.error.clone()?;
                let code = match attempt.outcome {
                    Some(AttemptOutcome::LeaseExpired | AttemptOutcome::Interrupted) => {
                        ErrorCode::LeaseExpired
                    }
                    _ => ErrorCode::Retryable,
                };
                Some(Failure { code, message })
            }
            State::Completed { .. } | State::Cancelled { .. } => None,
        }
    }
}

/// Where an order stands, with what only that state has.
///
/// Who moves it out of each state, and what a crash there does, is told at
/// [`apply`](crate::apply).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum State {
    /// Accepted, and waiting for a processor.
    Pending {
        /// Not before this time, after an attempt that is to be retried; at once if `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_attempt_at: Option<Timestamp>,
    },
    /// A processor works on it.
    Processing {
        /// Who, and for how long.
        claim: Claim,
        /// How much of the work is done, 0 to 1, if the work says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<f64>,
    },
    /// The work is done.
    Completed {
        /// When.
        at: Timestamp,
        /// What the work gave, beyond its being done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Box<RawValue>>,
    },
    /// The work will not be done.
    Failed {
        /// When that was settled.
        at: Timestamp,
        /// Why.
        failure: Failure,
        /// What the part of the work that was done gave, if some of it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Box<RawValue>>,
    },
    /// The client took the order back.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

/// A state's name, as clients and metrics see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Accepted, and waiting for a processor.
    Pending,
    /// A processor works on it.
    Processing,
    /// Ended: the work is done.
    Completed,
    /// Ended: the work will not be done.
    Failed,
    /// Ended: the client took the order back.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name as it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the order has ended, so that its status never changes again.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// One processor's right to work on an order, and to settle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Fences the claim: only who presents it renews, releases or settles.
    pub token: Token,
    /// When the claim lapses unless it is renewed.
    pub lease_until: Timestamp,
    /// In whose time alone with the store it was made. In another's, nobody holds it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenure: Option<Token>,
}

/// One run of the work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// The token of the claim that it ran under.
    pub token: Token,
    /// Whether it had its instance to itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub alone: bool,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// What went wrong, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When an outcome arrived that came too late to count, because the order had been cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_outcome_at: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttemptOutcome {
    /// The work was done.
    Completed,
    /// The work failed for good.
    Failed,
    /// The work failed in a way that another attempt may mend.
    Retryable,
    /// The lease ran out: the processor died or lost its connection.
    LeaseExpired,
    /// The host that it ran on ended, as the next host of the same store knows.
    Interrupted,
    /// The client cancelled the order.
    Cancelled,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Why an order failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The kind of failure, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorCode {
    /// The work said that another attempt is of no use.
    Permanent,
    /// Some of the work was done, and another attempt at the rest is of no use.
    Partial,
    /// The work failed in a way that another attempt may mend.
    Retryable,
    /// The lease ran out, or the host ended: the attempt was lost before it told its outcome.
    LeaseExpired,
}

/// Stored bytes that are no record.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecord {
    /// They are not the JSON of a record.
    #[error("expected a record, found other JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// They are of a version that only newer code knows.
    #[error("expected a record of version {RECORD_VERSION} or lower, found `{0}`")]
    Newer(u32),
}
