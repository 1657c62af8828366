//! Cross-origin requests (the Fetch standard's CORS protocol).

use serde_json::json;
use tests::{
    Host, Response, Setup, Test, UNKNOWN_ID, order, order_that, retry_after_seconds, tests, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    scripts_of_a_listed_origin_may_read_every_answer,
    a_preflight_request_is_told_what_may_be_sent,
    an_origin_that_is_not_listed_gets_no_header,
    an_asterisk_lists_every_origin,
    by_default_no_origin_is_listed,
    "what a host answers itself is its own": scripts_may_read_what_the_host_answers_itself,
];

const LISTED: &str = "https://shop.example";

/// What a client of the pattern reads, and browsers hide unless they are told otherwise.
const NEEDED: [&str; 7] = [
    "location",
    "operation-location",
    "retry-after",
    "etag",
    "preference-applied",
    "link",
    "idempotency-replayed",
];

fn scripts_of_a_listed_origin_may_read_every_answer() {
    let host = listing("https://other.example, https://shop.example");
    let open = host
        .submit(order_that(&json!({"ms": 600_000})))
        .header("origin", LISTED)
        .send();
    let status = format!("/orders/status/{}", uuid_in(&open));
    let ended = host
        .submit(order_that(&json!({"ms": 0})))
        .header("origin", LISTED)
        .header("prefer", "wait=60")
        .send();
    let result = ended.header("location").expect("a 303 has a location");
    let send = |method: &str, path: &str| {
        let request = host.request(method, path).header("origin", LISTED);
        request.header("if-none-match", "*").send()
    };

    let answers = [
        (202, open.clone()),
        (303, ended.clone()),
        (304, send("GET", &status)),
        (200, send("GET", result)),
        (200, send("HEAD", result)),
        (200, send("GET", "/orders")),
        (400, send("GET", "/orders?limit=0")),
        (404, send("GET", &format!("/orders/{UNKNOWN_ID}"))),
        (404, send("GET", "/nowhere")),
        (405, send("PUT", "/orders")),
        (304, send("GET", "/openapi.json")),
        (422, host.submit("{}").header("origin", LISTED).send()),
        (200, send("DELETE", &status)),
    ];

    for (status, answer) in answers {
        answer.expect_status(status);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(LISTED),
            "{}",
            answer.describe()
        );
        let exposed = answer.header("access-control-expose-headers");
        let exposed = exposed.unwrap_or_default().to_lowercase();
        for name in NEEDED {
            assert!(exposed.split(", ").any(|found| found == name), "{exposed}");
        }
        assert_varies(&answer);
    }
    retry_after_seconds(&open);
}

fn scripts_may_read_what_the_host_answers_itself() {
    let host = Setup::controlled()
        .variable("cors_origins", LISTED)
        .runtime_config("[limits]\nwaiters_max = 0\nbody_bytes_max = 1000\n")
        .start();
    let open = host.submit(order_that(&json!({"ms": 600_000}))).send();
    let status = format!("/orders/status/{}", uuid_in(&open));
    let answers = |origin: &str| {
        let too_large = host.submit(vec![b'x'; 2000]).header("origin", origin);
        let wait = host.get(&status).header("prefer", "wait=9");
        let bad = host.get("/healthz").header("host", "user@evil.example");
        [
            (413, too_large.send()),
            (503, wait.header("origin", origin).send()),
            (400, bad.header("origin", origin).send()),
        ]
    };

    let by_component = host.get(&status).header("origin", LISTED).send();
    for (status, answer) in answers(LISTED) {
        answer.expect_status(status);
        for name in [
            "access-control-allow-origin",
            "access-control-expose-headers",
        ] {
            assert_eq!(
                answer.header(name),
                by_component.header(name),
                "{}",
                answer.describe()
            );
        }
        assert_varies(&answer);
    }
    for (status, answer) in answers("https://other.example") {
        answer.expect_status(status);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

fn a_preflight_request_is_told_what_may_be_sent() {
    let host = listing(LISTED);

    for (method, path) in [
        ("POST", "/orders"),
        ("GET", "/orders"),
        ("GET", "/orders/status/any"),
        ("DELETE", "/orders/status/any"),
        ("GET", "/orders/any"),
    ] {
        let answer = preflight(&host, LISTED, method, path);

        answer.expect_status(204);
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        let listed = |name: &str| answer.header(name).unwrap_or_default().to_lowercase();
        let methods = listed("access-control-allow-methods");
        assert!(
            methods
                .split(", ")
                .any(|found| found == method.to_lowercase()),
            "{methods}"
        );
        let headers = listed("access-control-allow-headers");
        for needed in [
            "authorization",
            "content-type",
            "idempotency-key",
            "if-none-match",
            "last-event-id",
            "notify-url",
            "prefer",
            "traceparent",
            "tracestate",
            "baggage",
        ] {
            assert!(
                headers.split(", ").any(|found| found == needed),
                "{headers}"
            );
        }
        let seconds: Option<u32> = answer
            .header("access-control-max-age")
            .and_then(|value| value.parse().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0));
        assert_varies(&answer);
    }
}

fn an_origin_that_is_not_listed_gets_no_header() {
    let host = listing(LISTED);
    for origin in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://SHOP.example",
        "null",
        "*",
        "",
    ] {
        let simple = host.get("/orders").header("origin", origin).send();
        simple.expect_status(200);
        let preflight = preflight(&host, origin, "POST", "/orders");
        preflight.expect_status(204);

        for answer in [simple, preflight] {
            assert_no_grant(&answer);
            // A cache must not give this answer to a listed origin.
            assert_varies(&answer);
        }
    }
    let without_origin = host.get("/orders").send();
    assert_no_grant(&without_origin);
}

fn an_asterisk_lists_every_origin() {
    // Also what is not answered because the caller is unknown can be read by scripts.
    let host = Setup::new()
        .variable("cors_origins", "*")
        .variable("api_tokens", &format!("ada:{}", "0".repeat(64)))
        .start();

    let refused = host.submit(order()).header("origin", LISTED).send();

    refused.expect_status(401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    // Preflight requests come without credentials.
    let preflight = preflight(&host, "null", "POST", "/orders");
    preflight.expect_status(204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
}

fn by_default_no_origin_is_listed() {
    let host = Host::shared();

    let answer = host.get("/orders?limit=1").header("origin", LISTED).send();

    answer.expect_status(200);
    assert_no_grant(&answer);
    assert_no_grant(&preflight(host, LISTED, "POST", "/orders"));
}

fn listing(origins: &str) -> Host {
    Setup::controlled()
        .variable("cors_origins", origins)
        .start()
}

fn preflight(host: &Host, origin: &str, method: &str, path: &str) -> Response {
    host.request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "content-type, prefer")
        .send()
}

fn assert_varies(answer: &Response) {
    let mut listed = answer.header("vary").unwrap_or_default().split(", ");
    assert!(listed.any(|name| name == "Origin"), "{}", answer.describe());
}

fn assert_no_grant(answer: &Response) {
    let mut names = answer.headers.keys();
    assert!(
        !names.any(|name| name.as_str().starts_with("access-control-")),
        "{}",
        answer.describe()
    );
}
