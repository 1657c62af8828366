//! Ids that no order has, and ids that are none.

use tests::{Host, Test, UNKNOWN_ID, assert_problem, tests};

pub(crate) const TESTS: &[Test] = tests![
    an_unknown_id_is_not_found,
    what_is_no_id_is_not_found,
    paths_that_are_no_route_are_not_found,
    the_store_s_own_keys_are_not_ids,
];

fn an_unknown_id_is_not_found() {
    for path in [
        format!("/orders/status/{UNKNOWN_ID}"),
        format!("/orders/{UNKNOWN_ID}"),
    ] {
        assert_not_found(&path);
    }
}

fn what_is_no_id_is_not_found() {
    let long = "a".repeat(2000);
    for id in [
        "1",
        "x",
        "-",
        "%00",
        "%2e%2e",
        "%F0%9F%8D%B5",
        "null",
        "00000000-0000-7000-8000-00000000000g",
        &long,
    ] {
        assert_not_found(&format!("/orders/status/{id}"));
        assert_not_found(&format!("/orders/{id}"));
    }
}

fn paths_that_are_no_route_are_not_found() {
    for path in [
        "/order",
        "/orders/",
        "/orders/status",
        "/orders/status/",
        "/orders//",
        "/ORDERS",
        "/healthz/x",
    ] {
        assert_not_found(path);
    }
    assert_not_found(&format!("/orders/{UNKNOWN_ID}/items"));
    assert_not_found(&format!("/orders/status/{UNKNOWN_ID}/"));
}

fn the_store_s_own_keys_are_not_ids() {
    for key in ["order_", "open_"] {
        assert_not_found(&format!("/orders/{key}{UNKNOWN_ID}"));
        assert_not_found(&format!("/orders/status/{key}{UNKNOWN_ID}"));
    }
}

fn assert_not_found(path: &str) {
    let answer = Host::shared().get(path).send();

    let problem = assert_problem(&answer, 404, "not-found");
    assert_eq!(problem.get("links"), None, "`{path}`: {problem}");
    assert_eq!(answer.header("retry-after"), None, "`{path}`");
}
