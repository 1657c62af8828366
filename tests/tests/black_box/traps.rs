//! Work that traps ends its own attempt, and nothing else.

use serde_json::json;
use tests::{Host, Setup, Test, journey, order, order_that, tests, until, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    others_are_served_after_a_trap,
    orders_that_trap_fail_and_fail_nobody_else,
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

/// Each trap takes the attempts of its instance along, and with so few attempts and so many traps
/// healthy orders would soon have none left, if they did not run alone after the first.
fn orders_that_trap_fail_and_fail_nobody_else() {
    let host = Setup::controlled()
        .variable("max_attempts", "2")
        .variable("lease_seconds", "1")
        .variable("progress_seconds", "1")
        .variable("sweep_seconds", "1")
        .start();
    let submit = |simulated| uuid_in(&host.submit(order_that(&simulated)).send());
    let mut trapping = Vec::new();
    let mut healthy = Vec::new();
    for _ in 0..4 {
        healthy.push(submit(json!({"ms": 500})));
        healthy.push(submit(json!({"ms": 500})));
        trapping.push(submit(json!({"ms": 100, "outcome": "trap"})));
    }

    let result = |id: &String| {
        until("an order to end", || {
            let status = host.get(&format!("/orders/status/{id}")).send();
            (status.status == 303).then_some(())
        });
        host.get(&format!("/orders/{id}")).send()
    };
    for id in &healthy {
        assert_eq!(result(id).expect_json(200)["status"], "completed");
    }
    for id in &trapping {
        let failed = result(id).expect_json(500);
        assert_eq!(failed["error"]["code"], "leaseExpired", "{failed}");
    }
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
    until("an order to be tried", || {
        let document = host.get(&format!("/orders/status/{id}")).send().json();
        (document["attempt"] != 0).then_some(())
    });
    id
}
