//! Bearer tokens: who may call, and whose orders are whose.

use serde_json::json;
use tests::{
    Host, Request, Setup, Test, UNKNOWN_ID, assert_problem, order, order_that, tests, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    who_presents_no_known_token_is_refused,
    what_tells_nothing_of_orders_is_open,
    an_order_is_there_for_its_owner_alone,
    idempotency_keys_are_each_owner_s_own,
    without_tokens_everybody_may_call,
    "Spin asks no component before it serves": tokens_that_are_malformed_stop_the_start_and_are_never_repeated,
    "Spin asks no component before it serves": tokens_that_are_missing_do_not_open_the_service,
];

/// `ada` and `bob`, who both know a token; `bob` has two.
const API_TOKENS: &str = "ada:3562a26eaed25e830c9bb1881c0b7e0900aa1869cde75ffad9e70d119a65129c, \
     bob:834f100f410784647237e55b1d1d9fbb297b3366ebf3f1a8678b48a601e7ba4e, \
     bob:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
const ADA: &str = "Bearer topsecret-ada";
const BOB: &str = "Bearer topsecret-bob";
const BOB_TOO: &str = "Bearer secret";

fn who_presents_no_known_token_is_refused() {
    let host = guarded();
    let status = format!("/orders/status/{UNKNOWN_ID}");
    let result = format!("/orders/{UNKNOWN_ID}");
    let routes = [
        ("GET", "/orders"),
        ("POST", "/orders"),
        ("GET", &status),
        ("DELETE", &status),
        ("GET", &result),
        ("GET", "/orders/no-id"),
    ];
    for (method, path) in routes {
        let request = || host.request(method, path).body(order());
        let realm = "Bearer realm=\"orders\"";
        let refused = format!("{realm}, error=\"invalid_token\"");
        let mut requests = vec![(request(), realm)];
        for presented in ["", "Bearer", "Basic topsecret-ada", "topsecret-ada"] {
            requests.push((request().header("authorization", presented), realm));
        }
        // RFC 6750, 3.1: only where there is a token it can be at fault.
        for presented in [
            "Bearer unknown",
            "Bearer topsecret-ada2",
            "Bearer TOPSECRET-ADA",
            // The hash is no token.
            "Bearer 3562a26eaed25e830c9bb1881c0b7e0900aa1869cde75ffad9e70d119a65129c",
        ] {
            requests.push((request().header("authorization", presented), &refused));
        }
        for (request, challenge) in requests {
            let answer = request.send();

            assert_problem(&answer, 401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some(challenge));
        }
    }
    // The scheme's name is of either case (RFC 9110, 11.1).
    for known in [ADA, "bearer topsecret-ada", "BEARER  topsecret-ada "] {
        let request = host.get("/orders").header("authorization", known);
        request.send().expect_status(200);
    }
}

fn what_tells_nothing_of_orders_is_open() {
    let host = guarded();

    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/configz",
        "/openapi.json",
        "/problems/unauthorized",
    ] {
        host.get(path).send().expect_status(200);
    }
    host.request("OPTIONS", "/orders").send().expect_status(204);
    assert_problem(&host.get("/nowhere").send(), 404, "not-found");
}

fn an_order_is_there_for_its_owner_alone() {
    let host = guarded();
    let open = uuid_in(&submit(&host, BOB, 600_000).send());
    let ended = submit(&host, BOB, 0).header("prefer", "wait=60").send();
    let ended = ended.expect_json(303)["id"].clone();
    let ended = ended.as_str().expect("an id is a string");
    let list = |who: &str| {
        let answer = host.get("/orders").header("authorization", who).send();
        let orders = answer.expect_json(200)["orders"].clone();
        orders.as_array().expect("a page has orders").len()
    };

    for id in [open.as_str(), ended] {
        let status = format!("/orders/status/{id}");
        let result = format!("/orders/{id}");
        for (method, path, accept) in [
            ("GET", &status, "*/*"),
            ("GET", &status, "text/event-stream"),
            ("DELETE", &status, "*/*"),
            ("GET", &result, "*/*"),
        ] {
            let request = host.request(method, path).header("accept", accept);
            let answer = request.header("authorization", ADA).send();

            // As if there were none: word for word what an unknown id is answered.
            let problem = assert_problem(&answer, 404, "order-not-found");
            assert_eq!(problem["detail"], format!("there is no order `{id}`"));
        }
    }
    assert_eq!(list(ADA), 0);

    // An owner is a name, whatever token it comes with.
    for who in [BOB, BOB_TOO] {
        assert_eq!(list(who), 2);
        let request = |path: &str| host.get(path).header("authorization", who);
        let result = request(&format!("/orders/{ended}")).send();
        result.expect_json(200);
        let status = request(&format!("/orders/status/{open}")).send();
        status.expect_json(200);
    }
    let cancel = host.request("DELETE", &format!("/orders/status/{open}"));
    let cancelled = cancel.header("authorization", BOB_TOO).send();
    assert_eq!(cancelled.expect_json(200)["status"], "cancelled");
}

fn idempotency_keys_are_each_owner_s_own() {
    let host = guarded();
    let submit = |who: &str, ms: u64| {
        let request = submit(&host, who, ms).header("idempotency-key", "the-same");
        request.send()
    };

    let ada = uuid_in(&submit(ADA, 600_000));
    let bob = uuid_in(&submit(BOB, 700_000));

    assert_ne!(ada, bob);
    assert_eq!(uuid_in(&submit(ADA, 600_000)), ada);
    assert_eq!(uuid_in(&submit(BOB_TOO, 700_000)), bob);
    assert_problem(&submit(ADA, 700_000), 422, "idempotency-key-reused");
}

fn without_tokens_everybody_may_call() {
    let host = Host::shared();
    let id = uuid_in(&submit(host, ADA, 600_000).send());

    let answer = host.get(&format!("/orders/status/{id}")).send();

    assert_eq!(answer.expect_json(200)["id"], id);
}

fn tokens_that_are_malformed_stop_the_start_and_are_never_repeated() {
    // Somebody took the token for its hash.
    let refusal = Setup::new()
        .variable("api_tokens", "ada:topsecret-ada")
        .start_refused();

    // The operator is told which variable, and not what it is.
    assert_eq!(refusal.code, Some(2), "{}", refusal.message);
    assert!(
        refusal.message.contains("api_tokens"),
        "{}",
        refusal.message
    );
    assert!(
        !refusal.message.contains("topsecret"),
        "{}",
        refusal.message
    );
}

fn tokens_that_are_missing_do_not_open_the_service() {
    for value in ["", " ", ","] {
        let refusal = Setup::new().variable("api_tokens", value).start_refused();

        assert_eq!(refusal.code, Some(2), "{}", refusal.message);
        assert!(refusal.message.contains("`none`"), "{}", refusal.message);
    }
    let refusal = Setup::new()
        .environment("SPIN_VARIABLE_API_TOKENS", "")
        .start_refused();
    assert_eq!(refusal.code, Some(2), "{}", refusal.message);
}

fn guarded() -> Host {
    Setup::controlled()
        .variable("api_tokens", API_TOKENS)
        .start()
}

fn submit(host: &Host, who: &str, ms: u64) -> Request {
    host.submit(order_that(&json!({"ms": ms})))
        .header("authorization", who)
}
