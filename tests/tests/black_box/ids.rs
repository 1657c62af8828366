//! Ids that no order has, and ids that are none.

use serde_json::json;
use tests::{Host, Test, UNKNOWN_ID, assert_problem, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    an_unknown_id_is_not_found,
    what_is_no_id_is_not_found,
    the_store_s_own_keys_are_no_ids,
    an_id_is_the_same_with_its_characters_percent_encoded,
    paths_that_are_no_route_are_not_found,
];

fn an_unknown_id_is_not_found() {
    assert_no_order(UNKNOWN_ID);
}

fn what_is_no_id_is_not_found() {
    let long = "a".repeat(2000);
    let ids = [
        "1",
        "-",
        "null",
        "status",
        "%00",
        "%2e%2e",
        "%2F",
        "%F0%9F%8D%B5",
        "00000000-0000-7000-8000-00000000000g",
        // A UUID, but of the random kind.
        "9b2f6c1e-4f0a-4e55-8a86-0f1b6f0f6a11",
        &long,
    ];
    for id in ids {
        assert_no_order(id);
    }
}

fn the_store_s_own_keys_are_no_ids() {
    for key in ["order_", "open_"] {
        assert_no_order(&format!("{key}{UNKNOWN_ID}"));
    }
}

/// RFC 3986, 6.2.2.2: a proxy may write them either way.
fn an_id_is_the_same_with_its_characters_percent_encoded() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let encoded = |range: std::ops::Range<usize>| -> String {
        let bytes = id.bytes().enumerate();
        let write = |(place, byte): (usize, u8)| {
            if range.contains(&place) {
                format!("%{byte:02x}")
            } else {
                char::from(byte).to_string()
            }
        };
        bytes.map(write).collect()
    };

    for range in [0..1, 8..9, 0..id.len()] {
        let encoded = encoded(range);
        let status = host.get(&format!("/orders/status/{encoded}")).send();
        assert_eq!(status.expect_json(200)["id"], id, "`{encoded}`");
        let result = host.get(&format!("/orders/{encoded}")).send();
        assert_problem(&result, 404, "result-not-ready");
    }
}

fn paths_that_are_no_route_are_not_found() {
    let below_an_order = format!("/orders/{UNKNOWN_ID}/items");
    let below_a_status = format!("/orders/status/{UNKNOWN_ID}/items");
    let paths = [
        "/order",
        "/orders//",
        "/ORDERS",
        "/healthz/x",
        "/problems/nothing",
        &below_an_order,
        &below_a_status,
    ];
    for path in paths {
        let answer = Host::shared().get(path).send();

        assert_problem(&answer, 404, "not-found");
    }
}

fn assert_no_order(id: &str) {
    for path in [format!("/orders/status/{id}"), format!("/orders/{id}")] {
        let answer = Host::shared().get(&path).send();

        let problem = assert_problem(&answer, 404, "order-not-found");
        // A client that sees these would go on asking.
        assert_eq!(problem.get("links"), None, "`{path}`: {problem}");
        assert_eq!(answer.header("retry-after"), None, "`{path}`");
    }
}
