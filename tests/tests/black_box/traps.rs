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

    // Apart from what the component itself has printed.
    let of_the_trap = format!(r#""order_id":"{id}""#);
    let logged = host.output().wait_for("a line about the trap", |line| {
        line.contains(&of_the_trap).then(|| line.to_owned())
    });
    let line = logged.expect("the host runs on");
    assert!(
        line.contains(r#""level":"ERROR""#) && line.contains("trap"),
        "{line}"
    );
    // What happened before this order is logged by the time it is done.
    journey(&host, &order_that(&json!({"ms": 0})));
    assert_eq!(host.output().lines_with(&of_the_trap), [line]);
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
        (document["attempt"] != 0).then_some(())
    });
    id
}
