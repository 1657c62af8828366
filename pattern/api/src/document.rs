//! The JSON documents that clients get, and the paths that they link.

use protocol::{
    ErrorCode, Failure, NotificationOutcome, OrderId, Record, State, Status, Timestamp,
};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use work::Work;

/// Where the status of an order is.
pub fn status_path<W: Work>(id: OrderId) -> String {
    format!("/{}/status/{id}", W::COLLECTION)
}

/// Where the result of an order is, once it has ended.
pub fn result_path<W: Work>(id: OrderId) -> String {
    format!("/{}/{id}", W::COLLECTION)
}

/// The status document. It never holds the order, which may be large.
pub fn status<W: Work>(record: &Record) -> StatusDocument<'_> {
    let open = !record.status().is_terminal();
    StatusDocument {
        id: record.id,
        status: record.status(),
        attempt: record.attempt,
        max_attempts: record.max_attempts,
        created_at: record.created_at.to_string(),
        updated_at: record.updated_at.to_string(),
        next_attempt_at: match &record.state {
            State::Pending { next_attempt_at } => next_attempt_at.map(|at| at.to_string()),
            _ => None,
        },
        progress: match &record.state {
            State::Processing { progress, .. } => *progress,
            _ => None,
        },
        error: record
            .latest_error()
            .map(|failure| ErrorDocument::new(record, failure)),
        notification: notification(record),
        links: Links {
            status: status_path::<W>(record.id),
            result: result_path::<W>(record.id),
            cancel: open.then(|| status_path::<W>(record.id)),
        },
    }
}

/// What the redirect to the result says, for those who read it.
pub fn ended<W: Work>(record: &Record) -> EndedDocument {
    EndedDocument {
        id: record.id,
        status: record.status(),
        notification: notification(record),
        links: EndedLinks {
            result: result_path::<W>(record.id),
        },
    }
}

/// Whether somebody was told of the order's end, or will be. Where is not told: it may hold what only some
/// may know.
fn notification(record: &Record) -> Option<NotificationDocument> {
    let notification = record.notification.as_deref()?;
    Some(NotificationDocument {
        deliveries: notification.deliveries,
        last_status: notification.last_status,
        next_delivery_at: record.tellable_at().map(|at| at.to_string()),
        outcome: notification.settled.map(|settled| settled.outcome),
        settled_at: notification.settled.map(|settled| settled.at.to_string()),
    })
}

/// The result of a completed order: the order as it was sent, with `completedAt`.
///
/// # Errors
/// If what is stored is no order.
pub fn completed<'a, W: Work>(
    record: &Record,
    at: Timestamp,
    result: Option<&'a RawValue>,
) -> Result<CompletedDocument<'a>, String> {
    let order = record
        .order
        .completed(at)
        .map_err(|error| format!("order `{}` cannot be read: {error}", record.id))?;
    Ok(CompletedDocument {
        id: record.id,
        status: record.status(),
        name: W::NAME,
        order,
        result,
    })
}

/// One page of the list of orders.
pub fn page<W: Work>(records: &[Record], next_cursor: Option<OrderId>) -> PageDocument<'_> {
    PageDocument {
        collection: W::COLLECTION,
        orders: records.iter().map(status::<W>).collect(),
        next_cursor: next_cursor.map(|id| id.to_string()),
    }
}

/// Why a failed order failed, and what was done of it nevertheless.
pub fn failed<'a>(
    record: &'a Record,
    failure: &Failure,
    result: Option<&'a RawValue>,
) -> FailedDocument<'a> {
    FailedDocument {
        id: record.id,
        status: record.status(),
        error: ErrorDocument::new(record, failure.clone()),
        result,
    }
}

/// That an order was cancelled, and when.
pub fn cancelled(record: &Record, at: Timestamp) -> CancelledDocument {
    CancelledDocument {
        id: record.id,
        status: record.status(),
        cancelled_at: at.to_string(),
    }
}

/// Where an order stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusDocument<'a> {
    id: OrderId,
    status: Status,
    attempt: u32,
    max_attempts: u32,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<NotificationDocument>,
    links: Links,
}

/// How telling of the order's end stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationDocument {
    deliveries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_delivery_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<NotificationOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<String>,
}

/// Why the latest attempt that ended failed.
#[derive(Serialize)]
struct ErrorDocument<'a> {
    code: ErrorCode,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a RawValue>,
}

impl<'a> ErrorDocument<'a> {
    fn new(record: &'a Record, failure: Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
            details: record.error_details.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Links {
    status: String,
    result: String,
    /// Only while there is something to cancel.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
}

/// That an order has ended, and where its result is.
#[derive(Serialize)]
pub struct EndedDocument {
    id: OrderId,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<NotificationDocument>,
    links: EndedLinks,
}

#[derive(Serialize)]
struct EndedLinks {
    result: String,
}

/// One page of the list of orders.
pub struct PageDocument<'a> {
    /// The member's name.
    collection: &'static str,
    orders: Vec<StatusDocument<'a>>,
    /// Where the next page begins; absent on the last.
    next_cursor: Option<String>,
}

impl Serialize for PageDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(self.collection, &self.orders)?;
        if let Some(next_cursor) = &self.next_cursor {
            members.serialize_entry("nextCursor", next_cursor)?;
        }
        members.end()
    }
}

/// A completed order.
pub struct CompletedDocument<'a> {
    id: OrderId,
    status: Status,
    /// The member's name.
    name: &'static str,
    order: Box<RawValue>,
    result: Option<&'a RawValue>,
}

impl Serialize for CompletedDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("id", &self.id)?;
        members.serialize_entry("status", &self.status)?;
        members.serialize_entry(self.name, &self.order)?;
        if let Some(result) = self.result {
            members.serialize_entry("result", result)?;
        }
        members.end()
    }
}

/// A failed order.
#[derive(Serialize)]
pub struct FailedDocument<'a> {
    id: OrderId,
    status: Status,
    error: ErrorDocument<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
}

/// A cancelled order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelledDocument {
    id: OrderId,
    status: Status,
    cancelled_at: String,
}
