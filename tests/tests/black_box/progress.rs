//! What a status tells about the work while it runs: progress, and attempts.

use serde_json::json;
use tests::{Host, Setup, Test, order_that, poll_to_the_end, tests};

pub(crate) const TESTS: &[Test] = tests![
    progress_grows_from_nothing_to_all_while_the_work_runs,
    each_attempt_is_counted
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

fn each_attempt_is_counted() {
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
