//! Variables that an order could not be worked on with: nothing is accepted, and the operator is told why.
//!
//! `wasm-shim` asks the components before it listens. Elsewhere api says so, for the processor too.

use std::fs;

use tests::{FaultyProcessor, Setup, Test, assert_problem, order, tests, until};

pub(crate) const TESTS: &[Test] = tests![
    "Spin asks no component before it serves": variables_that_nothing_can_be_worked_on_with_stop_the_start,
    "Spin asks no component before it serves": all_faults_are_told_at_once,
    "how a host refuses is its own": a_variable_is_read_from_a_file,
    a_processor_that_cannot_work_keeps_orders_from_being_accepted,
];

fn variables_that_nothing_can_be_worked_on_with_stop_the_start() {
    for (name, value) in [
        ("lease_seconds", "abc"),
        ("lease_seconds", "0"),
        ("lease_seconds", ""),
        ("retention_seconds", "3"),
        ("max_attempts", "-1"),
        ("work", "nonsense"),
        ("simulate_controls", "yes"),
    ] {
        let refusal = Setup::new().variable(name, value).start_refused();

        assert_told(&refusal.message, refusal.code, &[name]);
    }
    let refusal = Setup::new()
        .variable("work", "http")
        .variable("worker_url", "nonsense")
        .start_refused();
    assert_told(&refusal.message, refusal.code, &["worker_url"]);
    let refusal = Setup::new()
        .variable("work", "http")
        .variable("worker_token", "two w0rds")
        .start_refused();
    assert_told(&refusal.message, refusal.code, &["worker_token"]);
    assert!(!refusal.message.contains("w0rds"), "{}", refusal.message);
}

fn all_faults_are_told_at_once() {
    let refusal = Setup::new()
        .variable("lease_seconds", "abc")
        .variable("simulate_min_ms", "x")
        .variable("max_attempts", "0")
        .variable("max_waiters", "many")
        .start_refused();

    let names = [
        "lease_seconds",
        "simulate_min_ms",
        "max_attempts",
        "max_waiters",
    ];
    assert_told(&refusal.message, refusal.code, &names);
}

fn a_variable_is_read_from_a_file() {
    let setup = Setup::new();
    let file = |name: &str, text: &str| {
        let path = setup.state_dir().join(name);
        fs::write(&path, text).expect("a file can be written to a temporary directory");
        path.display().to_string()
    };
    let (lease, faulty) = (file("lease.txt", "7\n"), file("attempts.txt", "eleven"));

    let refusal = setup
        .variable("lease_seconds", &format!("@{lease}"))
        .variable("max_attempts", &format!("@{faulty}"))
        .start_refused();

    // The one is well, and the other is what its file says.
    assert_told(&refusal.message, refusal.code, &["`max_attempts`"]);
    assert!(refusal.message.contains("`eleven`"), "{}", refusal.message);
}

fn a_processor_that_cannot_work_keeps_orders_from_being_accepted() {
    let processor = FaultyProcessor::start_later();
    let host = Setup::new()
        .variable("processor_url", &processor.url())
        .start();
    // Who does not answer may be there later: the order is durable, and waits.
    host.submit(order()).send().expect_status(202);

    processor.answer();
    until("the host to know of the processor", || {
        (host.get("/readyz").send().status == 503).then_some(())
    });

    let refused = host.submit(order()).send();
    assert_problem(&refused, 503, "misconfigured");
    let problem = refused.json();
    assert_eq!(problem["faults"][0]["variable"], "lease_seconds");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("`lease_seconds`"), "{detail}");
    assert_problem(&host.get("/configz").send(), 503, "misconfigured");
    // What is there can still be read.
    host.get("/orders").send().expect_status(200);
}

fn assert_told(message: &str, code: Option<i32>, names: &[&str]) {
    assert_eq!(code, Some(2), "{message}");
    // Beside these a component may log what it has to say.
    let told = message
        .lines()
        .filter(|line| line.starts_with("wasm-shim: "));
    assert_eq!(told.count(), names.len(), "{message}");
    for name in names {
        assert!(message.contains(name), "expected `{name}` in: {message}");
    }
}
