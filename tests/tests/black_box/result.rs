//! `GET /orders/{id}`.

use serde_json::json;
use tests::{Host, Setup, Test, assert_problem, journey, order, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    a_completed_order_is_returned_as_it_was_sent_and_has_completed_at,
    a_name_that_means_something_to_a_parser_is_a_name_like_any_other,
    a_failed_order_is_a_500_that_tells_why,
    an_order_that_failed_in_part_tells_what_was_done_and_what_was_not,
    an_attempt_that_takes_too_long_is_given_up_and_made_again,
    an_open_order_has_no_result_yet_and_the_problem_links_its_status,
    controls_in_an_order_mean_nothing_unless_they_are_switched_on,
];

/// Members that the service does not know, their order, and the digits of numbers are the client's.
const ORDER: &str = r#"{"zeta":null,"items":[{"note":"é \u00e9 \"","quantity":1,"name":"tea"}],"price":1.10,
    "big":123456789012345678901234567890,"tiny":1E-9, "one":1e0,"customer":"Ada","simulate":{"ms":0},"empty":{},"list":[ [] ] }"#;

fn a_completed_order_is_returned_as_it_was_sent_and_has_completed_at() {
    let journey = journey(Host::shared(), ORDER);

    let result = journey.result.expect_json(200);
    assert_eq!(result["id"], journey.id);
    assert_eq!(result["status"], "completed");
    let completed_at = result["order"]["completedAt"].as_str();
    let completed_at = completed_at.expect("a completed order has `completedAt`");
    assert!(
        completed_at.len() == 24 && completed_at.ends_with('Z'),
        "{completed_at}"
    );
    // As text, because equal values may differ in the order of members and in digits.
    let sent = ORDER.trim_end_matches([' ', '}']);
    let order = format!(r#""order":{sent},"completedAt":"{completed_at}" }}"#);
    let text = journey.result.text();
    assert!(text.contains(&order), "expected `{order}` in `{text}`");
}

fn a_name_that_means_something_to_a_parser_is_a_name_like_any_other() {
    let forged = serde_json::to_string(&order()).expect("a string is JSON");
    for name in ["Number", "RawValue"] {
        let forged = format!(r#"{{"$serde_json::private::{name}":{forged}}}"#);
        let refused = Host::shared().submit(&forged).send();
        let problem = assert_problem(&refused, 422, "invalid-order");
        assert_eq!(problem["errors"][0]["pointer"], "/customer", "{problem}");

        let sent = format!(
            r#"{{"customer":"Ada","items":[{{"name":"tea","quantity":1}}],"simulate":{{"ms":0}},"x":{{"$serde_json::private::{name}":"12"}}"#
        );
        let journey = journey(Host::shared(), &format!("{sent}}}"));
        journey.result.expect_status(200);
        let text = journey.result.text();
        assert!(text.contains(&format!(r#""order":{sent},"#)), "{text}");
    }
}

fn a_failed_order_is_a_500_that_tells_why() {
    let journey = journey(
        Host::shared(),
        &order_that(&json!({"ms": 0, "outcome": "fail"})),
    );

    let result = journey.result.expect_json(500);
    assert_eq!(result["id"], journey.id);
    assert_eq!(result["status"], "failed");
    assert_eq!(result["error"]["code"], "permanent", "{result}");
    assert!(
        result["error"]["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{result}"
    );
    assert_eq!(result.get("order"), None, "{result}");
}

fn an_order_that_failed_in_part_tells_what_was_done_and_what_was_not() {
    let journey = journey(
        Host::shared(),
        &order_that(&json!({"ms": 0, "outcome": "partial"})),
    );

    let result = journey.result.expect_json(500);
    assert_eq!(result["status"], "failed");
    assert_eq!(result["error"]["code"], "partial", "{result}");
    let details = json!({"failed": ["the other half"]});
    assert_eq!(result["error"]["details"], details, "{result}");
    assert_eq!(result["result"], json!({"done": "half"}), "{result}");
}

fn an_attempt_that_takes_too_long_is_given_up_and_made_again() {
    let host = Setup::new()
        .variable("simulate_controls", "true")
        .variable("attempt_timeout_seconds", "1")
        .variable("max_attempts", "2")
        .start();

    let journey = journey(&host, &order_that(&json!({"ms": 600_000})));

    let result = journey.result.expect_json(500);
    assert_eq!(result["error"]["code"], "retryable", "{result}");
    let message = "the attempt took longer than 1 s";
    assert_eq!(result["error"]["message"], message, "{result}");
}

fn an_open_order_has_no_result_yet_and_the_problem_links_its_status() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 30_000}))).send());

    let answer = host.get(&format!("/orders/{id}")).send();

    let problem = assert_problem(&answer, 404, "result-not-ready");
    assert_eq!(problem["links"]["status"], format!("/orders/status/{id}"));
}

fn controls_in_an_order_mean_nothing_unless_they_are_switched_on() {
    let host = Setup::new().variable("simulate_max_ms", "100").start();
    let with_controls = order_that(&json!({"ms": 600_000, "outcome": "fail"}));

    let controlled = journey(&host, &with_controls);
    let plain = journey(&host, &order());

    for result in [
        controlled.result.expect_json(200),
        plain.result.expect_json(200),
    ] {
        assert_eq!(result["status"], "completed", "{result}");
    }
}
