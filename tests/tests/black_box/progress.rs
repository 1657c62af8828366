//! What a status tells about the work while it runs: progress, and attempts.

use serde_json::{Value, json};
use tests::{
    Host, Setup, Test, journey, order_that, poll_to_the_end, retry_after_seconds, tests, until,
};

pub(crate) const TESTS: &[Test] = tests![
    progress_grows_from_nothing_to_all_while_the_work_runs,
    the_first_attempt_is_counted_when_it_starts,
    an_attempt_that_may_be_mended_is_made_again_later,
    an_order_whose_attempts_are_used_up_has_failed,
];

fn progress_grows_from_nothing_to_all_while_the_work_runs() {
    let host = Setup::controlled()
        .variable("progress_seconds", "1")
        .start();
    let accepted = host.submit(order_that(&json!({"ms": 8000}))).send();

    let (documents, _) = poll_to_the_end(
        &host,
        accepted.header("location").expect("a 202 has a location"),
    );

    let progress: Vec<f64> = documents
        .iter()
        .filter_map(|document| document["progress"].as_f64())
        .collect();
    assert!(
        progress
            .iter()
            .any(|progress| 0.0 < *progress && *progress < 1.0),
        "{documents:?}"
    );
    assert!(
        progress
            .iter()
            .all(|progress| (0.0..=1.0).contains(progress)),
        "{progress:?}"
    );
    assert!(progress.is_sorted(), "{progress:?}");
}

fn the_first_attempt_is_counted_when_it_starts() {
    let host = Host::shared();
    let accepted = host.submit(order_that(&json!({"ms": 4000}))).send();
    assert_eq!(accepted.json()["attempt"], 0);

    let (documents, _) = poll_to_the_end(
        host,
        accepted.header("location").expect("a 202 has a location"),
    );

    let processing: Vec<_> = documents
        .iter()
        .filter(|document| document["status"] == "processing")
        .collect();
    assert!(!processing.is_empty(), "{documents:?}");
    assert!(
        processing.iter().all(|document| document["attempt"] == 1),
        "{documents:?}"
    );
}

fn an_attempt_that_may_be_mended_is_made_again_later() {
    let host = Host::shared();
    let accepted = host
        .submit(order_that(&json!({"ms": 0, "outcome": "retry:3"})))
        .send();
    let path = accepted.header("location").expect("a 202 has a location");

    // Asked for more often than a client should, to see the short waits between attempts.
    let mut documents = Vec::new();
    until("an order to end", || {
        let answer = host.get(path).send();
        if answer.status == 200 {
            documents.push(answer.expect_json(200));
            retry_after_seconds(&answer);
        }
        (answer.status == 303).then_some(())
    });

    let attempts: Vec<_> = documents
        .iter()
        .map(|document| document["attempt"].as_u64())
        .collect();
    assert!(attempts.is_sorted(), "{attempts:?}");
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.is_some_and(|attempt| attempt <= 4)),
        "{attempts:?}"
    );
    let waits = |document: &&Value| document["status"] == "pending" && document["attempt"] != 0;
    let waiting = documents
        .iter()
        .find(waits)
        .unwrap_or_else(|| panic!("no wait in {documents:?}"));
    assert!(waiting["nextAttemptAt"].is_string(), "{waiting}");
    assert_eq!(waiting["error"]["code"], "retryable", "{waiting}");
    let result = host.get(&path.replace("/status", "")).send();
    assert_eq!(result.expect_json(200)["status"], "completed");
}

fn an_order_whose_attempts_are_used_up_has_failed() {
    let host = Setup::controlled().variable("max_attempts", "2").start();

    let journey = journey(&host, &order_that(&json!({"ms": 0, "outcome": "retry:2"})));

    assert_eq!(journey.accepted.json()["maxAttempts"], 2);
    let result = journey.result.expect_json(500);
    assert_eq!(result["status"], "failed");
    assert_eq!(result["error"]["code"], "retryable", "{result}");
}
