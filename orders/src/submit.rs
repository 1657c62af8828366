//! Submit: accept an order by making it durable and readable.

use std::convert::Infallible;

use futures::future::try_join;

use crate::idempotency::Digest;
use crate::record::RECORD_VERSION;
use crate::update::{self, UpdateError};
use crate::{Key, Order, OrderId, Record, State, Store, StoreError, Timestamp, Token};

/// What a client hands in, with what only its caller knows.
#[derive(Clone, Debug)]
pub struct Submission {
    /// A fresh id, never used before.
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
    /// The time.
    pub now: Timestamp,
}

impl Submission {
    /// The record of the order, as it is accepted.
    pub(crate) fn into_record(self, idempotency_key: Option<Digest>) -> Record {
        Record {
            version: RECORD_VERSION,
            revision: 1,
            write: self.write,
            id: self.id,
            owner: self.owner,
            idempotency_key,
            created_at: self.now,
            updated_at: self.now,
            max_attempts: self.max_attempts.max(1),
            attempt: 0,
            attempts: Vec::new(),
            state: State::Pending {
                next_attempt_at: None,
            },
            traceparent: self.traceparent,
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
/// The marker and the record are written at once, which a store that commits in groups
/// does in one. A crash between them leaves an order that nobody was told is accepted: a
/// marker without a record, which the sweep removes, or a record without a marker, which
/// is never worked on and goes when its retention ends.
///
/// # Errors
/// If the store failed. The order is not accepted then, even if parts of it were written.
pub async fn submit<S: Store>(store: &S, submission: Submission) -> Result<Record, SubmitError> {
    let record = submission.into_record(None);
    try_join(open(store, record.id), put_record(store, &record)).await?;
    Ok(record)
}

/// The record of `id`, if there is one.
///
/// # Errors
/// If the store failed, or what is stored is no record.
pub async fn find<S: Store>(
    store: &S,
    id: OrderId,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    update::read(store, id).await
}

/// Writes the first revision of a record.
///
/// By a plain `set` and no swap: the id is fresh, so nobody else writes this key before the
/// order is accepted.
pub(crate) async fn put_record<S: Store>(store: &S, record: &Record) -> Result<(), StoreError> {
    store.set(&Key::Record(record.id), &record.to_json()).await
}

/// Writes the marker. Harmless when repeated, and when the order has ended meanwhile: the
/// sweep removes the marker of an order that has ended.
pub(crate) async fn open<S: Store>(store: &S, id: OrderId) -> Result<(), StoreError> {
    // Not nothing, because not every store keeps empty values.
    store.set(&Key::Marker(id), b"1").await
}
