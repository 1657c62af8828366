//! A store that does not take writes: nothing is accepted, and the client is told when to come back.

use serde_json::json;
use tests::{
    Setup, Test, assert_problem, lock_store_for_writing, order_keys, order_that,
    retry_after_seconds, tests, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![what_cannot_be_stored_is_not_accepted];

fn what_cannot_be_stored_is_not_accepted() {
    let host = Setup::controlled().start();
    let order = order_that(&json!({"ms": 600_000}));
    let id = uuid_in(&host.submit(&order).send());
    let status = format!("/orders/status/{id}");
    tests::until("an order to be processed", || {
        (host.get(&status).send().json()["status"] == "processing").then_some(())
    });
    let before = order_keys(&host);
    let lock = lock_store_for_writing(host.state_dir());

    let refused = host.submit(&order).send();

    assert_problem(&refused, 503, "store-unavailable");
    retry_after_seconds(&refused);
    // What is there can still be read.
    assert_eq!(host.get(&status).send().expect_json(200)["id"], id);
    host.get("/healthz").send().expect_status(200);
    drop(lock);
    assert_eq!(order_keys(&host), before);
    host.submit(&order).send().expect_status(202);
}
