//! The JSON documents that clients get, and the paths that they link.

use orders::{Failure, OrderId, Record, State, Status, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Where the status of an order is.
pub fn status_path(id: OrderId) -> String {
    format!("/orders/status/{id}")
}

/// Where the result of an order is, once it has ended.
pub fn result_path(id: OrderId) -> String {
    format!("/orders/{id}")
}

/// The status document. It never holds the order, which may be large.
pub fn status(record: &Record) -> Vec<u8> {
    let open = !record.status().is_terminal();
    to_json(&StatusDocument {
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
        error: record.latest_error(),
        links: Links {
            status: status_path(record.id),
            result: result_path(record.id),
            cancel: open.then(|| status_path(record.id)),
        },
    })
}

/// What the redirect to the result says, for those who read it.
pub fn ended(record: &Record) -> Vec<u8> {
    to_json(&EndedDocument {
        id: record.id,
        status: record.status(),
        links: EndedLinks {
            result: result_path(record.id),
        },
    })
}

/// The result of a completed order: the order as it was sent, with `completedAt`.
///
/// # Errors
/// If the stored order is no JSON object.
pub fn completed(
    record: &Record,
    at: Timestamp,
    result: Option<&RawValue>,
) -> Result<Vec<u8>, String> {
    let mut order: Map<String, Value> = record
        .order
        .read()
        .map_err(|error| format!("order `{}` cannot be read: {error}", record.id))?;
    order.insert("completedAt".to_owned(), Value::String(at.to_string()));
    Ok(to_json(&CompletedDocument {
        id: record.id,
        status: record.status(),
        order,
        result,
    }))
}

/// Why a failed order failed.
pub fn failed(record: &Record, failure: &Failure) -> Vec<u8> {
    to_json(&FailedDocument {
        id: record.id,
        status: record.status(),
        error: failure,
    })
}

/// That an order was cancelled, and when.
pub fn cancelled(record: &Record, at: Timestamp) -> Vec<u8> {
    to_json(&CancelledDocument {
        id: record.id,
        status: record.status(),
        cancelled_at: at.to_string(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusDocument {
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
    error: Option<Failure>,
    links: Links,
}

#[derive(Serialize)]
struct Links {
    status: String,
    result: String,
    /// Only while there is something to cancel.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
}

#[derive(Serialize)]
struct EndedDocument {
    id: OrderId,
    status: Status,
    links: EndedLinks,
}

#[derive(Serialize)]
struct EndedLinks {
    result: String,
}

#[derive(Serialize)]
struct CompletedDocument<'a> {
    id: OrderId,
    status: Status,
    order: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct FailedDocument<'a> {
    id: OrderId,
    status: Status,
    error: &'a Failure,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CancelledDocument {
    id: OrderId,
    status: Status,
    cancelled_at: String,
}

fn to_json(document: &impl Serialize) -> Vec<u8> {
    // OK because every map key in a document is a string and no field's serializer fails.
    serde_json::to_vec(document).expect("a document is always JSON")
}
