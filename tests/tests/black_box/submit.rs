//! `POST /orders`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Host, Test, order, order_that, retry_after_seconds, tests, together, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    a_valid_order_is_accepted_and_the_answer_says_where_to_look,
    the_answer_is_a_status_document_that_does_not_echo_the_order,
    the_operation_location_is_absolute_and_follows_the_host_header,
    an_accepted_order_is_readable_at_once,
    each_submission_is_an_order_of_its_own,
];

fn a_valid_order_is_accepted_and_the_answer_says_where_to_look() {
    let host = Host::shared();

    let accepted = host.submit(order()).send();

    let id = uuid_in(&accepted);
    assert_eq!(
        accepted.header("location"),
        Some(format!("/orders/status/{id}").as_str())
    );
    let operation_location = format!("http://{}/orders/status/{id}", host.address());
    assert_eq!(
        accepted.header("operation-location"),
        Some(operation_location.as_str())
    );
    retry_after_seconds(&accepted);
    assert_eq!(id.len(), 36, "{id}");
    assert_eq!(
        id.as_bytes()[14],
        b'7',
        "expected a UUID of version 7, found `{id}`"
    );
}

fn the_answer_is_a_status_document_that_does_not_echo_the_order() {
    let order = json!({
        "customer": "a name that is nowhere else",
        "items": [{"name": "an item that is nowhere else", "quantity": 2}],
    });

    let accepted = Host::shared().submit(order.to_string()).send();

    let document = accepted.expect_json(202);
    let id = uuid_in(&accepted);
    assert_eq!(document["status"], "pending");
    assert_eq!(document["attempt"], 0);
    assert_eq!(document["maxAttempts"], 20);
    assert_eq!(document["links"]["status"], format!("/orders/status/{id}"));
    assert_eq!(document["links"]["result"], format!("/orders/{id}"));
    assert_eq!(document["createdAt"], document["updatedAt"]);
    assert_timestamp(&document["createdAt"]);
    assert!(
        !accepted.text().contains("nowhere else"),
        "{}",
        accepted.describe()
    );
}

fn the_operation_location_is_absolute_and_follows_the_host_header() {
    let accepted = Host::shared()
        .submit(order())
        .header("host", "orders.example:8080")
        .send();

    let id = uuid_in(&accepted);
    let expected = format!("http://orders.example:8080/orders/status/{id}");
    assert_eq!(
        accepted.header("operation-location"),
        Some(expected.as_str())
    );
    assert_eq!(
        accepted.header("location"),
        Some(format!("/orders/status/{id}").as_str())
    );
}

/// A first poll that answers `404` is what users of such services complain about most.
fn an_accepted_order_is_readable_at_once() {
    let host = Host::shared();

    together(8, |_| {
        for _ in 0..10 {
            let accepted = host.submit(order_that(&json!({"ms": 1000}))).send();
            let id = uuid_in(&accepted);
            let document = host
                .get(&format!("/orders/status/{id}"))
                .send()
                .expect_json(200);
            assert_eq!(document["id"], id);
        }
    });
}

fn each_submission_is_an_order_of_its_own() {
    let host = Host::shared();
    let order = order_that(&json!({"ms": 0}));

    let ids = together(32, |_| uuid_in(&host.submit(&order).send()));

    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "{ids:?}"
    );
}

/// RFC 3339 in UTC with milliseconds.
fn assert_timestamp(value: &Value) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("expected a timestamp, found {value}"));
    let digits_as_zeros: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(digits_as_zeros, "0000-00-00T00:00:00.000Z", "{text}");
}
