//! Work that takes all the machine has does not take the service from others.

use std::thread::available_parallelism;

use serde_json::json;
use tests::{
    Host, Setup, Test, order_that, poll_to_the_end, retry_after_seconds, tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![statuses_are_answered_while_work_burns_every_core];

fn statuses_are_answered_while_work_burns_every_core() {
    let cores = available_parallelism()
        .expect("the number of cores is known")
        .get();
    let host = Setup::controlled().start();
    let burning: Vec<String> = (0..cores * 2).map(|_| submit(&host, "spin:5000")).collect();
    for path in &burning {
        until("an order to be processed", || {
            let document = host.get(path).send().json();
            // One that has already ended was processed too.
            (document["status"] != "pending").then_some(())
        });
    }
    let watched = submit(&host, "complete");

    // Each pass goes through all orders, and what was open after the last pass was open during it.
    let mut answered_while_burning = 0;
    while burning
        .iter()
        .any(|path| host.get(path).send().status == 200)
    {
        for path in burning.iter().chain([&watched]) {
            let answer = host.get(path).send();
            assert!([200, 303].contains(&answer.status), "{}", answer.describe());
            if answer.status == 200 {
                retry_after_seconds(&answer);
                answered_while_burning += 1;
            }
        }
    }

    // A host that is starved answers a handful at best.
    assert!(
        answered_while_burning > 100,
        "expected statuses while cores burn, found {answered_while_burning}"
    );
    for path in burning.iter().chain([&watched]) {
        poll_to_the_end(&host, path);
    }
}

/// Submits an order and returns the path of its status.
fn submit(host: &Host, outcome: &str) -> String {
    let id = uuid_in(
        &host
            .submit(order_that(&json!({"ms": 0, "outcome": outcome})))
            .send(),
    );
    format!("/orders/status/{id}")
}
