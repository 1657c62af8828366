//! What a proxy in front of the service says of its clients.

use serde_json::json;
use tests::{Host, HostKind, Setup, Test, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    the_operation_location_is_of_the_scheme_that_the_client_used,
    the_operation_location_is_where_proxies_say_that_the_client_is,
    a_public_url_goes_before_all_that_a_request_says,
    "whom a host trusts is its own": who_is_no_trusted_proxy_speaks_for_itself,
    "whom a host trusts is its own": a_trusted_proxy_has_an_address,
];

fn who_is_no_trusted_proxy_speaks_for_itself() {
    let accepted = Host::shared()
        .submit(order_that(&json!({"ms": 0})))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-prefix", "/evil")
        .header("forwarded", "host=evil.example;proto=https")
        .header("host", "orders.example")
        .send();

    let id = uuid_in(&accepted);
    let expected = format!("http://orders.example/orders/status/{id}");
    assert_eq!(
        accepted.header("operation-location"),
        Some(expected.as_str())
    );
}

fn a_trusted_proxy_has_an_address() {
    let refusal = Setup::new()
        .runtime_config("[proxy]\ntrusted = [\"proxy.example\"]\n")
        .start_refused();

    assert_eq!(refusal.code, Some(2));
    for part in ["runtime-config.toml", "proxy.example", "10.0.0.0/8"] {
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }
}

/// A host that believes proxies on this machine. Spin believes everybody.
fn behind_a_proxy() -> Host {
    let setup = Setup::controlled();
    if HostKind::current() == HostKind::Spin {
        return setup.start();
    }
    setup
        .runtime_config("[proxy]\ntrusted = [\"127.0.0.1\"]\n")
        .start()
}

fn the_operation_location_is_of_the_scheme_that_the_client_used() {
    let host = behind_a_proxy();
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
    let host = behind_a_proxy();
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
        let mut request = host
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
