//! The algorithm of the published client, from submission to result.

use serde_json::json;
use tests::{Host, HostKind, Setup, Test, journey, order, order_that, tests, together};

pub(crate) const TESTS: &[Test] = tests![
    many_orders_at_once_complete_with_default_settings,
    an_order_is_followed_from_submission_to_result
];

fn many_orders_at_once_complete_with_default_settings() {
    let host = Setup::new().start();

    let count = HostKind::current().share_of(100);
    let journeys = together(count, |_| journey(&host, &order()));

    for journey in &journeys {
        let result = journey.result.expect_json(200);
        assert_eq!(result["id"], journey.id);
        assert_eq!(result["status"], "completed");
    }
}

fn an_order_is_followed_from_submission_to_result() {
    let host = Host::shared();

    let journey = journey(
        host,
        &order_that(&json!({"ms": 1500, "outcome": "complete"})),
    );

    assert_eq!(
        journey.accepted.header("location"),
        Some(format!("/orders/status/{}", journey.id).as_str())
    );
    for status in &journey.statuses {
        assert!(
            ["pending", "processing"].contains(&status["status"].as_str().unwrap_or_default()),
            "{status}"
        );
    }
    assert_eq!(
        journey.redirect.header("location"),
        Some(format!("/orders/{}", journey.id).as_str())
    );
    assert_eq!(journey.result.expect_json(200)["status"], "completed");
}
