//! `GET /orders/status/{id}`.

use std::time::Duration;

use serde_json::json;
use tests::{Host, Test, order_that, pause, poll_to_the_end, retry_after_seconds, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    an_open_order_shows_its_status_and_when_to_ask_again,
    a_status_document_does_not_echo_the_order,
    nothing_new_is_answered_with_304_and_when_to_ask_again,
    a_change_is_answered_in_full_and_has_another_etag,
    a_completed_order_redirects_to_its_result,
    a_failed_order_redirects_to_its_result,
    the_end_of_an_order_is_not_hidden_by_an_old_etag,
];

fn an_open_order_shows_its_status_and_when_to_ask_again() {
    let host = Host::shared();
    let id = submit_slow(host);

    let answer = host.get(&format!("/orders/status/{id}")).send();

    let document = answer.expect_json(200);
    retry_after_seconds(&answer);
    let etag = answer.header("etag").expect("a status has an ETag");
    assert!(
        etag.ends_with('"') && etag.trim_start_matches("W/").starts_with('"'),
        "{etag}"
    );
    assert_eq!(document["id"], id);
    assert!(
        ["pending", "processing"].contains(&document["status"].as_str().unwrap_or_default()),
        "{document}"
    );
    assert_eq!(document["maxAttempts"], 20);
    assert_eq!(document["links"]["status"], format!("/orders/status/{id}"));
    assert_eq!(document["links"]["result"], format!("/orders/{id}"));
}

fn a_status_document_does_not_echo_the_order() {
    let host = Host::shared();
    let id = submit_slow(host);

    let answer = host.get(&format!("/orders/status/{id}")).send();

    answer.expect_status(200);
    assert!(!answer.text().contains("Lovelace"), "{}", answer.describe());
}

fn nothing_new_is_answered_with_304_and_when_to_ask_again() {
    let host = Host::shared();
    let path = format!("/orders/status/{}", submit_slow(host));

    // The order may change between two requests, but not between all of many.
    let not_modified = tests::until(
        "two requests between which an order does not change",
        || {
            let etag = host
                .get(&path)
                .send()
                .header("etag")
                .expect("a status has an ETag")
                .to_owned();
            let answer = host
                .get(&path)
                .header("if-none-match", &format!("\"another\", {etag}"))
                .send();
            (answer.status == 304).then_some((etag, answer))
        },
    );

    let (etag, answer) = not_modified;
    retry_after_seconds(&answer);
    assert_eq!(answer.header("etag"), Some(etag.as_str()));
    assert!(answer.body.is_empty(), "{}", answer.describe());
}

fn a_change_is_answered_in_full_and_has_another_etag() {
    let host = Host::shared();
    let accepted = host.submit(order_that(&json!({"ms": 10_000}))).send();
    let path = accepted.header("location").expect("a 202 has a location");
    let first = host.get(path).send();
    let etag = first.header("etag").expect("a status has an ETag");

    // Progress is written while the work runs, so something changes before it ends.
    let changed = tests::until("an order to change", || {
        let answer = host.get(path).header("if-none-match", etag).send();
        if answer.status == 304 {
            pause(
                Duration::from_secs(retry_after_seconds(&answer)),
                "an order to change",
            );
            return None;
        }
        Some(answer)
    });

    let document = changed.expect_json(200);
    assert_ne!(changed.header("etag"), Some(etag));
    assert_ne!(document, first.json());
}

fn a_completed_order_redirects_to_its_result() {
    redirects_to_its_result("complete");
}

fn a_failed_order_redirects_to_its_result() {
    redirects_to_its_result("fail");
}

fn redirects_to_its_result(outcome: &str) {
    let host = Host::shared();
    let id = uuid_in(
        &host
            .submit(order_that(&json!({"ms": 0, "outcome": outcome})))
            .send(),
    );

    let (_, answer) = poll_to_the_end(host, &format!("/orders/status/{id}"));

    let target = format!("/orders/{id}");
    assert_eq!(answer.header("location"), Some(target.as_str()));
    assert_eq!(
        answer.header("retry-after"),
        None,
        "on a 3xx it would delay the redirect (RFC 9110, 10.2.3)"
    );
    assert!(answer.text().contains(&target), "{}", answer.describe());
    assert!(answer.body.len() < 1000, "{}", answer.describe());
}

fn the_end_of_an_order_is_not_hidden_by_an_old_etag() {
    let host = Host::shared();
    let accepted = host.submit(order_that(&json!({"ms": 1000}))).send();
    let path = accepted.header("location").expect("a 202 has a location");
    let etag = host
        .get(path)
        .send()
        .header("etag")
        .expect("a status has an ETag")
        .to_owned();
    poll_to_the_end(host, path);

    let answer = host.get(path).header("if-none-match", &etag).send();

    answer.expect_status(303);
    assert_eq!(answer.header("retry-after"), None);
}

/// Submits an order that stays open for as long as a test looks at it.
fn submit_slow(host: &Host) -> String {
    uuid_in(&host.submit(order_that(&json!({"ms": 30_000}))).send())
}
