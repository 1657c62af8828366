//! `DELETE /orders/status/{id}`.

use serde_json::json;
use tests::{Host, Test, UNKNOWN_ID, assert_problem, journey, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    an_open_order_is_cancelled_and_stays_so,
    to_cancel_again_is_harmless,
    an_order_that_has_ended_cannot_be_cancelled,
    an_unknown_order_cannot_be_cancelled,
];

fn an_open_order_is_cancelled_and_stays_so() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 1000}))).send());
    let status = format!("/orders/status/{id}");
    let result = format!("/orders/{id}");

    let document = host.request("DELETE", &status).send().expect_json(200);

    assert_eq!(document["id"], id);
    assert_eq!(document["status"], "cancelled");
    // A thousand milliseconds later the work would have ended; any order that is sent now ends after it.
    journey(host, &order_that(&json!({"ms": 1500})));
    let answer = host.get(&status).send();
    answer.expect_status(303);
    assert_eq!(answer.header("location"), Some(result.as_str()));
    assert_eq!(
        host.get(&result).send().expect_json(410)["status"],
        "cancelled"
    );
}

/// As a client does whose first answer was lost.
fn to_cancel_again_is_harmless() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let delete = || {
        host.request("DELETE", &format!("/orders/status/{id}"))
            .send()
    };

    let first = delete().expect_json(200);
    let cancelled = host.get(&format!("/orders/{id}")).send().expect_json(410);

    for _ in 0..2 {
        let again = delete().expect_json(200);
        assert_eq!(again["status"], "cancelled");
        assert_eq!(again["createdAt"], first["createdAt"]);
    }
    assert_eq!(
        host.get(&format!("/orders/{id}")).send().expect_json(410),
        cancelled,
        "it is cancelled since the first time"
    );
}

fn an_order_that_has_ended_cannot_be_cancelled() {
    let host = Host::shared();
    for outcome in ["complete", "fail"] {
        let ended = journey(host, &order_that(&json!({"ms": 0, "outcome": outcome})));

        let answer = host
            .request("DELETE", &format!("/orders/status/{}", ended.id))
            .send();

        assert_problem(&answer, 409, "order-ended");
        let result = host.get(&format!("/orders/{}", ended.id)).send();
        assert_eq!(result.json(), ended.result.json());
    }
}

fn an_unknown_order_cannot_be_cancelled() {
    for id in [UNKNOWN_ID, "no-id"] {
        let answer = Host::shared()
            .request("DELETE", &format!("/orders/status/{id}"))
            .send();

        assert_problem(&answer, 404, "order-not-found");
    }
}
