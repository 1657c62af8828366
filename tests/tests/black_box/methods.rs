//! Methods: what each route allows, and HEAD wherever there is GET.

use serde_json::json;
use tests::{
    Host, Response, Test, UNKNOWN_ID, assert_problem, journey, order_that, tests, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has,
    head_answers_as_get_does_without_the_content,
    head_creates_nothing,
];

fn a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has() {
    let host = Host::shared();
    let status = format!("/orders/status/{UNKNOWN_ID}");
    let result = format!("/orders/{UNKNOWN_ID}");
    let routes = [
        ("/orders", "POST"),
        (&status, "GET"),
        (&result, "GET"),
        ("/healthz", "GET"),
        ("/readyz", "GET"),
    ];
    for (path, method_of_route) in routes {
        for method in ["PUT", "PATCH", "TRACE", "BREW"] {
            let answer = host.request(method, path).send();

            assert_problem(&answer, 405, "method-not-allowed");
            let allowed = allowed_methods(&answer);
            assert!(
                allowed.contains(&method_of_route.to_owned()),
                "`{method} {path}`: {allowed:?}"
            );
            assert!(
                !allowed.contains(&method.to_owned()),
                "`{method} {path}`: {allowed:?}"
            );
            if method_of_route == "GET" {
                assert!(
                    allowed.contains(&"HEAD".to_owned()),
                    "`{method} {path}`: {allowed:?}"
                );
            }
        }
    }
}

fn head_answers_as_get_does_without_the_content() {
    let host = Host::shared();
    let ended = journey(host, &order_that(&json!({"ms": 0}))).id;
    let open = uuid_in(&host.submit(order_that(&json!({"ms": 30_000}))).send());
    let paths = [
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/nowhere".to_owned(),
        format!("/orders/status/{ended}"),
        format!("/orders/{ended}"),
        format!("/orders/status/{open}"),
        format!("/orders/{open}"),
        format!("/orders/{UNKNOWN_ID}"),
    ];
    for path in paths {
        let get = host.get(&path).send();
        let head = host.request("HEAD", &path).send();

        assert_eq!(head.status, get.status, "`{path}`");
        assert!(head.body.is_empty(), "{}", head.describe());
        for header in ["content-type", "location", "cache-control"] {
            assert_eq!(
                head.header(header),
                get.header(header),
                "`{header}` of `{path}`"
            );
        }
        for header in ["etag", "retry-after"] {
            assert_eq!(
                head.header(header).is_some(),
                get.header(header).is_some(),
                "`{header}` of `{path}`"
            );
        }
    }
}

fn head_creates_nothing() {
    let answer = Host::shared().request("HEAD", "/orders").send();

    answer.expect_status(405);
    assert!(
        allowed_methods(&answer).contains(&"POST".to_owned()),
        "{}",
        answer.describe()
    );
}

fn allowed_methods(answer: &Response) -> Vec<String> {
    let allow = answer
        .header("allow")
        .unwrap_or_else(|| panic!("no `allow` in {}", answer.describe()));
    allow
        .split(',')
        .map(|method| method.trim().to_owned())
        .collect()
}
