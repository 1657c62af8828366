//! Work that takes all the machine has does not take the service from others.

use std::thread::available_parallelism;

use serde_json::json;
use tests::{
    Host, RawConnection, Setup, Test, order, order_that, poll_to_the_end, retry_after_seconds,
    tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    statuses_are_answered_while_work_burns_every_core,
    "Spin has no setting for how many instances there may be": requests_beyond_the_instances_are_refused_until_one_is_free
        [wasi02 "an instance serves many requests"],
];

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

fn requests_beyond_the_instances_are_refused_until_one_is_free() {
    let host = Setup::controlled()
        .runtime_config("[limits]\ninstances_max = 4\n")
        .start();
    let order = order();
    // Half of the instances are for requests, and each of these has one.
    let mut submissions = [(); 2].map(|()| {
        let mut connection = RawConnection::open(&host);
        connection.send(format!(
            "POST /orders HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            order.len()
        ));
        // Its instance runs when it asks for the body.
        let head = connection.read_head();
        assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
        connection
    });

    let refused = host.get("/healthz").send();
    refused.expect_status(503);
    retry_after_seconds(&refused);

    for submission in &mut submissions {
        submission.send(&order);
        let answer = submission.read_to_end();
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
    until("an instance to be free", || {
        (host.get("/healthz").send().status == 200).then_some(())
    });
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
