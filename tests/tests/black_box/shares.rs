//! What one owner may have of the service, so that there is something left for the others.

use serde_json::json;
use tests::{
    Host, Setup, Test, assert_problem, order_that, retry_after_seconds, tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] =
    tests![an_owner_with_too_many_open_orders_submits_no_more_until_some_have_ended,];

fn an_owner_with_too_many_open_orders_submits_no_more_until_some_have_ended() {
    let host = Setup::controlled()
        .variable("max_open_orders", "2")
        .variable("sweep_seconds", "1")
        .start();
    let first = uuid_in(&long(&host).header("idempotency-key", "first").send());
    let second = uuid_in(&long(&host).send());

    // Sweeps count, so one or the other is still accepted.
    let mut others = Vec::new();
    let refused = until("an owner to be refused", || {
        let answer = long(&host).send();
        if answer.status == 202 {
            others.push(uuid_in(&answer));
            return None;
        }
        Some(answer)
    });

    assert_problem(&refused, 429, "too-many-open-orders");
    retry_after_seconds(&refused);
    let repeated = long(&host).header("idempotency-key", "first").send();
    repeated.expect_status(202);
    assert_eq!(uuid_in(&repeated), first);
    for id in [first, second].iter().chain(&others) {
        let cancelled = host.request("DELETE", &format!("/orders/status/{id}"));
        cancelled.send().expect_status(200);
    }
    until("the owner to have room again", || {
        (long(&host).send().status == 202).then_some(())
    });
}

fn long(host: &Host) -> tests::Request {
    host.submit(order_that(&json!({"ms": 600_000})))
}
