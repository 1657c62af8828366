//! What a proxy in front of the service says of its clients.

use serde_json::json;
use tests::{Host, Test, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] =
    tests![the_operation_location_is_of_the_scheme_that_the_client_used];

fn the_operation_location_is_of_the_scheme_that_the_client_used() {
    let host = Host::shared();
    for (forwarded, expected) in [
        ("https", "https"),
        ("HTTPS", "https"),
        ("https, http", "https"),
        ("http", "http"),
        ("http, https", "http"),
        ("gopher", "http"),
        ("", "http"),
    ] {
        let accepted = host
            .submit(order_that(&json!({"ms": 0})))
            .header("x-forwarded-proto", forwarded)
            .header("host", "orders.example")
            .send();

        let id = uuid_in(&accepted);
        let expected = format!("{expected}://orders.example/orders/status/{id}");
        assert_eq!(
            accepted.header("operation-location"),
            Some(expected.as_str()),
            "`{forwarded}`"
        );
    }
}
