//! Submit: accept an order by making it durable and readable.

use futures::future::try_join;

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

/// Makes the order durable and readable, and returns its record: only then is it accepted.
///
/// The marker and the record are written at once, which a store that commits in groups
/// does in one. A crash between them leaves an order that nobody was told is accepted: a
/// marker without a record, which the sweep removes, or a record without a marker, which
/// is never worked on and goes when its retention ends.
///
/// # Errors
/// If the store failed. The order is not accepted then, even if parts of it were written.
pub async fn submit<S: Store>(store: &S, submission: Submission) -> Result<Record, StoreError> {
    let Submission {
        id,
        write,
        order,
        owner,
        max_attempts,
        traceparent,
        now,
    } = submission;
    let record = Record {
        version: RECORD_VERSION,
        revision: 1,
        write,
        id,
        owner,
        created_at: now,
        updated_at: now,
        max_attempts: max_attempts.max(1),
        attempt: 0,
        attempts: Vec::new(),
        state: State::Pending {
            next_attempt_at: None,
        },
        traceparent,
        order,
    };
    let (marker_key, record_key) = (Key::Marker(id), Key::Record(id));
    let json = record.to_json();
    // A plain `set` and no swap: the id is fresh, so nobody else writes this key before we answer.
    try_join(
        store.set(&marker_key, MARKER),
        store.set(&record_key, &json),
    )
    .await?;
    Ok(record)
}

/// The record of `id`, if there is one.
///
/// # Errors
/// If the store failed, or what is stored is no record.
pub async fn find<S: Store>(
    store: &S,
    id: OrderId,
) -> Result<Option<Record>, UpdateError<std::convert::Infallible>> {
    update::read(store, id).await
}

/// What a marker holds. Not nothing, because not every store keeps empty values.
const MARKER: &[u8] = b"1";
