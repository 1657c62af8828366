//! `Prefer: wait=N` (RFC 7240): an answer that is held until the order has ended.

use serde_json::json;
use tests::{
    Host, Setup, Test, assert_problem, journey, order_that, retry_after_seconds, tests, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    a_submission_is_held_until_its_order_ends,
    a_submission_whose_order_does_not_end_in_time_is_accepted,
    a_status_is_held_until_the_order_ends,
    a_status_that_was_held_in_vain_is_answered_as_it_stands,
    an_order_that_has_ended_is_not_waited_for,
    what_is_no_number_of_seconds_is_ignored,
    a_wait_is_capped,
    past_the_bound_of_waiters_a_client_is_told_to_poll,
];

/// The wait that is asked for is the one at which common proxies give up; what is applied is far below.
fn a_submission_is_held_until_its_order_ends() {
    let host = Host::shared();

    let answer = host
        .submit(order_that(&json!({"ms": 500})))
        .header("prefer", "wait=60")
        .send();

    let document = answer.expect_json(303);
    assert_eq!(document["status"], "completed");
    assert_eq!(answer.header("preference-applied"), Some("wait=25"));
    assert_eq!(
        answer.header("retry-after"),
        None,
        "on a 3xx it would delay the redirect (RFC 9110, 10.2.3)"
    );
    let target = answer.header("location").expect("a 303 has a location");
    assert_eq!(
        host.get(target).send().expect_json(200)["id"],
        document["id"]
    );
}

fn a_submission_whose_order_does_not_end_in_time_is_accepted() {
    let answer = Host::shared()
        .submit(order_that(&json!({"ms": 600_000})))
        .header("prefer", "wait=1")
        .send();

    let id = uuid_in(&answer);
    assert_eq!(answer.header("preference-applied"), Some("wait=1"));
    assert_eq!(
        answer.header("location"),
        Some(format!("/orders/status/{id}").as_str())
    );
    retry_after_seconds(&answer);
    // It was looked at while it was waited for.
    assert_eq!(answer.json()["status"], "processing");
}

fn a_status_is_held_until_the_order_ends() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 1000}))).send());

    let answer = host
        .get(&format!("/orders/status/{id}"))
        .header("prefer", "respond-async, wait=60")
        .send();

    assert_eq!(answer.expect_json(303)["id"], id);
    assert_eq!(answer.header("preference-applied"), Some("wait=25"));
}

fn a_status_that_was_held_in_vain_is_answered_as_it_stands() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());

    for seconds in ["0", "1"] {
        let answer = host
            .get(&format!("/orders/status/{id}"))
            .header("prefer", &format!("wait={seconds}"))
            .send();

        assert_eq!(answer.expect_json(200)["id"], id);
        let applied = format!("wait={seconds}");
        assert_eq!(answer.header("preference-applied"), Some(applied.as_str()));
        assert!(answer.header("etag").is_some(), "{}", answer.describe());
        retry_after_seconds(&answer);
    }
}

fn an_order_that_has_ended_is_not_waited_for() {
    let host = Host::shared();
    let ended = journey(host, &order_that(&json!({"ms": 0, "outcome": "fail"}))).id;

    let answer = host
        .get(&format!("/orders/status/{ended}"))
        .header("prefer", "wait=60")
        .send();

    assert_eq!(answer.expect_json(303)["status"], "failed");
}

fn what_is_no_number_of_seconds_is_ignored() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());

    for nonsense in [
        "",
        "wait",
        "wait=",
        "wait=-1",
        "wait=1.5",
        "wait=soon",
        "wait=1s",
        "waiting=60",
        "respond-async",
        ";;==,,",
        "handling=lenient; wait=60",
    ] {
        let answer = host
            .get(&format!("/orders/status/{id}"))
            .header("prefer", nonsense)
            .send();

        answer.expect_status(200);
        assert_eq!(
            answer.header("preference-applied"),
            None,
            "`{nonsense}`: {}",
            answer.describe()
        );
    }
}

fn a_wait_is_capped() {
    let host = Setup::controlled()
        .variable("max_wait_seconds", "1")
        .start();

    let submitted = host
        .submit(order_that(&json!({"ms": 600_000})))
        .header("prefer", "wait=3600")
        .send();
    let id = uuid_in(&submitted);
    let status = host
        .get(&format!("/orders/status/{id}"))
        .header("prefer", "wait=99999999999999999999999999")
        .send();

    assert_eq!(submitted.header("preference-applied"), Some("wait=1"));
    status.expect_status(200);
    assert_eq!(status.header("preference-applied"), Some("wait=1"));
}

/// Nobody may wait here, so that it does not matter which instance has how many waiters.
fn past_the_bound_of_waiters_a_client_is_told_to_poll() {
    let host = Setup::controlled().variable("max_waiters", "0").start();

    // An order is accepted whether or not its client may wait.
    let submitted = host
        .submit(order_that(&json!({"ms": 600_000})))
        .header("prefer", "wait=60")
        .send();
    let path = format!("/orders/status/{}", uuid_in(&submitted));
    assert_eq!(submitted.header("preference-applied"), None);

    for (name, value) in [("prefer", "wait=60"), ("accept", "text/event-stream")] {
        let refused = host.get(&path).header(name, value).send();

        assert_problem(&refused, 503, "too-many-waiters");
        retry_after_seconds(&refused);
    }
    host.get(&path).send().expect_status(200);
}
