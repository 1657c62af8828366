//! Submit: accept an order by making it durable and readable.

use std::convert::Infallible;

use crate::record::RECORD_VERSION;
use crate::update::UpdateError;
use crate::{
    Idempotency, Key, Notification, Order, OrderId, Record, State, Store, StoreError, Timestamp,
    Token,
};

/// What a client hands in, with what only its caller knows.
#[derive(Clone, Debug)]
pub struct Submission {
    /// A fresh id of the owner's, never used before.
    pub id: OrderId,
    /// Names the first write of the record.
    pub write: Token,
    /// The order.
    pub order: Order,
    /// Who submits it.
    pub owner: Option<String>,
    /// How many attempts it may take, from 1.
    pub max_attempts: u32,
    /// The trace that it is submitted in (W3C Trace Context `traceparent`).
    pub traceparent: Option<String>,
    /// What the systems of that trace say of it (`tracestate`).
    pub tracestate: Option<String>,
    /// What is to be told to all who work on it (W3C Baggage).
    pub baggage: Option<String>,
    /// Whom to tell that it has ended, if somebody is to be told.
    pub notification: Option<Box<Notification>>,
    /// The time.
    pub now: Timestamp,
}

impl Submission {
    /// The record of the order, as it is accepted.
    pub(crate) fn into_record(self, idempotency: Option<Idempotency>) -> Record {
        Record {
            version: RECORD_VERSION,
            revision: 1,
            write: self.write,
            id: self.id,
            owner: self.owner,
            candidate: idempotency.is_some(),
            idempotency,
            created_at: self.now,
            updated_at: self.now,
            max_attempts: self.max_attempts.max(1),
            attempt: 0,
            attempts: Vec::new(),
            error_details: None,
            state: State::Pending {
                next_attempt_at: None,
            },
            traceparent: self.traceparent,
            tracestate: self.tracestate,
            baggage: self.baggage,
            notification: self.notification,
            order: self.order,
        }
    }
}

/// Why an order was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The idempotency key came with another body before.
    #[error("the idempotency key was used for another order before")]
    KeyReused,
    /// What is stored for the key or its order cannot be read.
    #[error("{0}")]
    Damaged(String),
    /// The store failed. The order is not accepted, even if parts of it were written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubmitError {
    pub(crate) fn from_read(error: UpdateError<Infallible>) -> Self {
        match error {
            UpdateError::Store(error) => Self::Store(error),
            damaged => Self::Damaged(damaged.to_string()),
        }
    }
}

/// Makes the order durable and readable, and returns its record: only then is it accepted.
///
/// One write: under its open key the record is found by everybody who looks for open orders.
///
/// # Errors
/// If the store failed. Nobody is told then that the order is accepted; if it was written all the
/// same, or is yet to be, it is worked on.
pub async fn submit<S: Store>(store: &S, submission: Submission) -> Result<Record, SubmitError> {
    let record = submission.into_record(None);
    put(store, &record).await?;
    Ok(record)
}

/// Writes the first revision of a record.
///
/// By a plain `set` and no swap: the id is fresh, so nobody else creates this key. Never twice for
/// one id, since a second write might land over what has become of the order by then.
pub(crate) async fn put<S: Store>(store: &S, record: &Record) -> Result<(), StoreError> {
    store.set(&Key::Open(record.id), &record.to_json()).await
}
