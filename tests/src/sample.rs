//! Orders to send.

use serde_json::{Value, json};

use crate::Response;

/// An id of the right form that no order has: a UUID of version 7 from the year 1970.
pub const UNKNOWN_ID: &str = "00000000-0000-7000-8000-000000000000";

/// A valid order: the app's own example.
pub fn order() -> String {
    order_with(json!({})).to_string()
}

/// A valid order whose `simulate` member says how its work goes.
pub fn order_that(simulate: &Value) -> String {
    order_with(json!({ "simulate": simulate })).to_string()
}

/// A valid order that has these members too.
pub fn order_with(members: Value) -> Value {
    const EXAMPLE: &str = include_str!("../../orders/example.json");
    let mut order: Value = serde_json::from_str(EXAMPLE).expect("the example is JSON");
    if let (Some(order), Value::Object(members)) = (order.as_object_mut(), members) {
        order.extend(members);
    }
    order
}

/// A valid order of exactly that many bytes.
pub fn order_of_bytes(bytes: usize) -> String {
    let with_note = |note: &str| order_with(json!({ "note": note })).to_string();
    let padding = bytes
        .checked_sub(with_note("").len())
        .expect("an order takes more bytes than that");
    with_note(&"x".repeat(padding))
}

/// The id of the order that an answer tells of.
#[track_caller]
pub fn uuid_in(accepted: &Response) -> String {
    let document = accepted.expect_json(202);
    document["id"]
        .as_str()
        .expect("a status document has an id")
        .to_owned()
}
