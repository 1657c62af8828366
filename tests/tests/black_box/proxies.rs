//! What a proxy in front of the service says of its clients.

use serde_json::json;
use tests::{Host, Setup, Test, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    the_operation_location_is_of_the_scheme_that_the_client_used,
    the_operation_location_is_where_proxies_say_that_the_client_is,
    a_public_url_goes_before_all_that_a_request_says,
];

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

fn the_operation_location_is_where_proxies_say_that_the_client_is() {
    for (headers, base) in [
        (
            &[
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "shop.example:8443"),
                ("x-forwarded-prefix", "/api"),
            ][..],
            "https://shop.example:8443/api",
        ),
        (
            &[
                (
                    "forwarded",
                    "for=192.0.2.1;proto=https;host=shop.example, for=10.0.0.1",
                ),
                ("x-forwarded-host", "other.example"),
            ],
            "https://shop.example",
        ),
        // What would make no URL is not repeated.
        (&[("x-forwarded-host", "a b")], "http://orders.example"),
    ] {
        let mut request = Host::shared()
            .submit(order_that(&json!({"ms": 0})))
            .header("host", "orders.example");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let accepted = request.send();

        let expected = format!("{base}/orders/status/{}", uuid_in(&accepted));
        let found = accepted.header("operation-location");
        assert_eq!(found, Some(expected.as_str()));
    }
}

fn a_public_url_goes_before_all_that_a_request_says() {
    let host = Setup::controlled()
        .variable("public_url", "https://shop.example/orders-api/")
        .start();
    let accepted = host
        .submit(order_that(&json!({"ms": 0})))
        .header("host", "inner.example")
        .header("x-forwarded-host", "other.example")
        .send();

    let id = uuid_in(&accepted);
    let expected = format!("https://shop.example/orders-api/orders/status/{id}");
    let found = accepted.header("operation-location");
    assert_eq!(found, Some(expected.as_str()));
}
