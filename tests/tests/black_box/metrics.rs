//! What the shim tells of itself on its admin address.

use std::net::TcpListener;

use serde_json::json;
use tests::{Host, Setup, Test, journey, order, order_that, tests, until};

pub(crate) const TESTS: &[Test] = tests![
    "metrics are the shim's": requests_and_attempts_are_counted_by_how_they_ended,
    "metrics are the shim's": open_orders_are_counted_by_sweeps,
    "metrics are the shim's": an_instance_that_traps_is_counted,
    "metrics are the shim's": clients_do_not_reach_metrics,
    "metrics are the shim's": an_admin_address_in_use_is_refused,
];

fn requests_and_attempts_are_counted_by_how_they_ended() {
    let host = Setup::controlled().with_metrics().start();
    journey(&host, &order_that(&json!({"ms": 0})));
    journey(&host, &order_that(&json!({"ms": 0, "outcome": "retry:1"})));
    journey(&host, &order_that(&json!({"ms": 0, "outcome": "fail"})));
    host.submit("{}").send().expect_status(422);

    let requests = "http_server_request_duration_seconds_count";
    let post = |status: u16| {
        format!(r#"{requests}{{http_request_method="POST",http_response_status_code="{status}"}}"#)
    };
    assert_eq!(value(&host, &post(202)), Some(3.0));
    assert_eq!(value(&host, &post(422)), Some(1.0));
    // A client may know of an order's end before the host does, which waits for the answer.
    for (outcome, count) in [("completed", 2.0), ("retried", 1.0), ("failed", 1.0)] {
        let attempts = format!(r#"orders_attempt_duration_seconds_count{{outcome="{outcome}"}}"#);
        until("attempts to be counted", || {
            (value(&host, &attempts) == Some(count)).then_some(())
        });
    }
    until("no attempt to run", || {
        (value(&host, "orders_attempts_running") == Some(0.0)).then_some(())
    });
}

fn open_orders_are_counted_by_sweeps() {
    let host = Setup::controlled()
        .variable("sweep_seconds", "1")
        .with_metrics()
        .start();
    for _ in 0..3 {
        host.submit(order_that(&json!({"ms": 3_600_000})))
            .send()
            .expect_status(202);
    }

    until("a sweep to find three orders", || {
        (value(&host, "orders_open") == Some(3.0)).then_some(())
    });

    assert!(value(&host, "orders_sweep_timestamp_seconds") > Some(1.7e9));
    // An order is open before it is dispatched.
    until("three attempts to run", || {
        (value(&host, "orders_attempts_running") == Some(3.0)).then_some(())
    });
}

fn an_instance_that_traps_is_counted() {
    let host = Setup::controlled().with_metrics().start();

    host.submit(order_that(&json!({"ms": 0, "outcome": "trap"})))
        .send()
        .expect_status(202);

    let failures = r#"wasm_instance_failures_total{component="processor"}"#;
    until("a failure to be counted", || {
        (value(&host, failures) == Some(1.0)).then_some(())
    });
    let crashed = r#"orders_attempt_duration_seconds_count{outcome="crashed"}"#;
    until("an attempt to be counted", || {
        (value(&host, crashed) == Some(1.0)).then_some(())
    });
}

fn clients_do_not_reach_metrics() {
    let host = Setup::new().with_metrics().start();
    host.submit(order()).send().expect_status(202);

    host.get("/metrics").send().expect_status(404);
    assert_eq!(host.get_admin("/orders").0, 404);
    let text = metrics(&host);
    assert!(text.ends_with("# EOF\n"), "{text}");
}

fn an_admin_address_in_use_is_refused() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = holder.local_addr().expect("a listener has an address");

    let refusal = Setup::new()
        .environment("ADMIN_LISTEN", &address.to_string())
        .start_refused();

    assert_eq!(refusal.code, Some(2));
    assert!(
        refusal.message.contains("--admin-listen"),
        "{}",
        refusal.message
    );
}

/// The value of one series, as it is now; none if there is no such series.
fn value(host: &Host, series: &str) -> Option<f64> {
    let text = metrics(host);
    let line = text.lines().find_map(|line| {
        let value = line.strip_prefix(series)?.strip_prefix(' ')?;
        Some(value.to_owned())
    })?;
    let value = line.parse();
    Some(value.unwrap_or_else(|_| panic!("expected a number, found `{line}`")))
}

fn metrics(host: &Host) -> String {
    let (status, text) = host.get_admin("/metrics");
    assert_eq!(status, 200, "{text}");
    text
}
