//! `GET /healthz`, `GET /readyz` and `GET /configz`.

use std::collections::BTreeSet;

use tests::{Host, Setup, Test, order_keys, tests};

pub(crate) const TESTS: &[Test] = tests![
    a_host_that_serves_is_alive,
    a_host_that_reaches_its_store_is_ready,
    a_host_that_serves_is_configured,
    probes_leave_nothing_in_the_store
];

fn a_host_that_serves_is_alive() {
    answers_ok("/healthz");
}

fn a_host_that_reaches_its_store_is_ready() {
    answers_ok("/readyz");
}

fn a_host_that_serves_is_configured() {
    answers_ok("/configz");
}

fn answers_ok(path: &str) {
    let answer = Host::shared().get(path).send();

    answer.expect_status(200);
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store"),
        "{}",
        answer.describe()
    );
    assert!(!answer.body.is_empty(), "{}", answer.describe());
}

fn probes_leave_nothing_in_the_store() {
    let host = Setup::new().start();

    for _ in 0..20 {
        host.get("/healthz").send().expect_status(200);
        host.get("/readyz").send().expect_status(200);
    }

    assert_eq!(order_keys(&host), BTreeSet::new());
}
