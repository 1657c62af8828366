//! Work that traps ends its own attempt, and nothing else.

use serde_json::json;
use tests::{Host, Setup, Test, journey, order, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    others_are_served_after_a_trap,
    "the text of a host's log is its own": a_trap_is_logged_once_with_the_order_s_id,
];

fn others_are_served_after_a_trap() {
    let host = Setup::controlled().start();

    for _ in 0..5 {
        let trapping = trap(&host);
        host.get("/healthz").send().expect_status(200);
        host.get(&format!("/orders/status/{trapping}"))
            .send()
            .expect_status(200);
        let other = journey(&host, &order_that(&json!({"ms": 0})));
        assert_eq!(other.result.expect_json(200)["status"], "completed");
    }

    host.submit(order()).send().expect_status(202);
}

fn a_trap_is_logged_once_with_the_order_s_id() {
    let host = Setup::controlled().start();

    let id = trap(&host);

    let of_the_trap =
        |line: &str| (line.contains(&id) && line.contains("trap")).then(|| line.to_owned());
    let line = host
        .output()
        .wait_for("a log line about the trap", of_the_trap)
        .expect("the host runs on");
    // What happened before this order has been logged by the time it is done.
    journey(&host, &order_that(&json!({"ms": 0})));
    assert_eq!(host.output().lines_with(&id), [line]);
}

/// Submits an order whose work traps, and returns its id once it has been tried.
fn trap(host: &Host) -> String {
    let id = uuid_in(
        &host
            .submit(order_that(&json!({"ms": 0, "outcome": "trap"})))
            .send(),
    );
    tests::until("an order to be tried", || {
        let document = host.get(&format!("/orders/status/{id}")).send().json();
        (document["attempt"] == 1).then_some(())
    });
    id
}
