//! What the shim tells of itself on its admin address.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::json;
use tests::{Host, Setup, Test, journey, order, order_that, read_repository_file, tests, until};

pub(crate) const TESTS: &[Test] = tests![
    "metrics are the shim's": requests_and_attempts_are_counted_by_how_they_ended,
    "metrics are the shim's": open_orders_are_counted_by_sweeps,
    "metrics are the shim's": an_instance_that_traps_is_counted,
    "metrics are the shim's": every_metric_of_the_dashboard_and_the_alerts_is_there,
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

/// What the names of the host's metrics begin with.
const NAMESPACES: [&str; 3] = ["http_server_", "orders_", "wasm_"];

/// Prometheus answers a query for one that is not there with nothing: an alert would stay silent.
fn every_metric_of_the_dashboard_and_the_alerts_is_there() {
    let host = Setup::controlled().with_metrics().start();
    journey(&host, &order_that(&json!({"ms": 0})));
    journey(&host, &order_that(&json!({"ms": 0, "outcome": "fail"})));
    // A client may know of an order's end before the host does, which waits for the answer.
    let failed = r#"orders_attempt_duration_seconds_count{outcome="failed"}"#;
    until("an attempt to be counted", || {
        (value(&host, failed) == Some(1.0)).then_some(())
    });

    let text = metrics(&host);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let there: BTreeSet<_> = samples
        .filter_map(|sample| sample.split(['{', ' ']).next())
        .collect();
    for path in [
        "deploy/monitoring/alerts.yaml",
        "deploy/monitoring/dashboard.json",
    ] {
        let file = read_repository_file(path);
        let asked: BTreeSet<_> = file
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| NAMESPACES.iter().any(|start| word.starts_with(start)))
            .collect();
        assert!(!asked.is_empty(), "`{path}` asks for no metric");
        let missing: Vec<_> = asked.difference(&there).collect();
        assert!(missing.is_empty(), "`{path}` asks for {missing:?}");
    }
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
