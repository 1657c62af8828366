//! What makes JSON an order: each bound on both of its sides, and every fault at once.

use serde_json::{Value, json};
use tests::{Host, Setup, Test, assert_problem, order, order_keys, order_that, tests};

pub(crate) const TESTS: &[Test] = tests![
    what_is_within_the_bounds_is_accepted,
    each_fault_is_pointed_at,
    every_fault_is_listed,
    what_is_no_object_is_pointed_at_as_a_whole,
    a_quantity_is_judged_by_its_digits,
    an_invalid_order_leaves_no_trace_in_the_store,
];

fn what_is_within_the_bounds_is_accepted() {
    let valid = [
        json!({"customer": "a", "items": [item("t", 1)]}),
        json!({"customer": "a".repeat(200), "items": [item("t", 1)]}),
        // Bounds are in characters and not in bytes.
        json!({"customer": "é".repeat(200), "items": [item("🍵".repeat(200).as_str(), 1)]}),
        json!({"customer": "a", "items": [item("t", 1_000_000)]}),
        json!({"customer": "a", "items": vec![item("t", 1); 1000]}),
        json!({"customer": "a", "items": [{"name": "t", "quantity": 1, "colour": null}], "more": {"a": []}}),
    ];
    for order in valid {
        Host::shared()
            .submit(order.to_string())
            .send()
            .expect_status(202);
    }
}

fn each_fault_is_pointed_at() {
    let items = json!([item("t", 1)]);
    let invalid = [
        (json!({"items": items}), "/customer"),
        (json!({"customer": "", "items": items}), "/customer"),
        (json!({"customer": null, "items": items}), "/customer"),
        (json!({"customer": 1, "items": items}), "/customer"),
        (
            json!({"customer": "a".repeat(201), "items": items}),
            "/customer",
        ),
        (json!({"customer": "a"}), "/items"),
        (json!({"customer": "a", "items": []}), "/items"),
        (json!({"customer": "a", "items": {}}), "/items"),
        (json!({"customer": "a", "items": "tea"}), "/items"),
        (
            json!({"customer": "a", "items": vec![item("t", 1); 1001]}),
            "/items",
        ),
        (json!({"customer": "a", "items": ["tea"]}), "/items/0"),
        (
            json!({"customer": "a", "items": [{"quantity": 1}]}),
            "/items/0/name",
        ),
        (with_item("", 1), "/items/0/name"),
        (with_item(&"t".repeat(201), 1), "/items/0/name"),
        (
            json!({"customer": "a", "items": [{"name": "t"}]}),
            "/items/0/quantity",
        ),
        (with_item("t", 0), "/items/0/quantity"),
        (with_item("t", -1), "/items/0/quantity"),
        (with_item("t", 1_000_001), "/items/0/quantity"),
        (with_item("t", 1.5), "/items/0/quantity"),
        (with_item("t", "1"), "/items/0/quantity"),
        (with_item("t", u64::MAX), "/items/0/quantity"),
    ];
    for (order, pointer) in invalid {
        assert_eq!(faults_of(&order), [pointer], "{order}");
    }
}

fn every_fault_is_listed() {
    let order = json!({
        "customer": "",
        "items": [item("", 0), item("t", 1), 5, {"name": "t"}],
    });

    let expected = [
        "/customer",
        "/items/0/name",
        "/items/0/quantity",
        "/items/2",
        "/items/3/quantity",
    ];
    assert_eq!(faults_of(&order), expected);
}

fn what_is_no_object_is_pointed_at_as_a_whole() {
    for order in [
        json!([]),
        json!("order"),
        json!(1),
        json!(null),
        json!(true),
    ] {
        assert_eq!(faults_of(&order), [""], "{order}");
    }
}

/// As text, because a number of a test's own would be rounded before it is sent.
fn a_quantity_is_judged_by_its_digits() {
    let submit = |quantity: &str| {
        let item = format!(r#"{{"name":"tea","quantity":{quantity}}}"#);
        let order = format!(r#"{{"customer":"Ada","items":[{item}]}}"#);
        Host::shared().submit(order).send()
    };
    for quantity in ["2", "2.0", "2e0", "0.2E+1", "1000000.00"] {
        submit(quantity).expect_status(202);
    }
    for quantity in [
        "1.00000000000000000001",
        "1000000.0000000001",
        "0.99999999999999999999",
        "1e999",
        r#"{"$serde_json::private::Number":"2"}"#,
    ] {
        let problem = assert_problem(&submit(quantity), 422, "invalid-order");
        let pointer = &problem["errors"][0]["pointer"];
        assert_eq!(pointer, "/items/0/quantity", "`{quantity}`");
    }
}

fn an_invalid_order_leaves_no_trace_in_the_store() {
    let host = Setup::controlled().start();
    // The end of an order changes its keys, so this one does not end.
    host.submit(order_that(&json!({"ms": 600_000})))
        .send()
        .expect_status(202);
    let before = order_keys(&host);

    for _ in 0..10 {
        host.submit(r#"{"customer": "", "items": []}"#)
            .send()
            .expect_status(422);
        host.submit(r#"{"customer""#).send().expect_status(400);
        let of_another_type = host
            .request("POST", "/orders")
            .header("content-type", "text/plain");
        of_another_type.body(order()).send().expect_status(415);
    }

    assert_eq!(order_keys(&host), before);
    host.submit(order()).send().expect_status(202);
    assert!(
        order_keys(&host).len() > before.len(),
        "a valid order should be stored"
    );
}

fn item(name: &str, quantity: impl Into<Value>) -> Value {
    json!({"name": name, "quantity": quantity.into()})
}

fn with_item(name: &str, quantity: impl Into<Value>) -> Value {
    json!({"customer": "a", "items": [item(name, quantity)]})
}

/// Submits an invalid order and returns the JSON Pointers (RFC 6901) to its faults, in their order.
fn faults_of(order: &Value) -> Vec<String> {
    let answer = Host::shared().submit(order.to_string()).send();
    let problem = assert_problem(&answer, 422, "invalid-order");
    let faults = problem["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no `errors` in {problem}"));
    for fault in faults {
        assert!(
            fault["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("expected")),
            "{fault}"
        );
    }
    faults
        .iter()
        .map(|fault| {
            fault["pointer"]
                .as_str()
                .expect("a pointer is a string")
                .to_owned()
        })
        .collect()
}
