//! Methods: what each route allows, and HEAD wherever there is GET.

use serde_json::json;
use tests::{Host, Test, UNKNOWN_ID, assert_problem, journey, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has,
    head_answers_as_get_does_without_the_content,
];

fn a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has() {
    let host = Host::shared();
    let status = format!("/orders/status/{UNKNOWN_ID}");
    let result = format!("/orders/{UNKNOWN_ID}");
    let routes = [
        ("/orders", "GET, HEAD, POST, OPTIONS"),
        (&status, "GET, HEAD, DELETE, OPTIONS"),
        (&result, "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/readyz", "GET, HEAD, OPTIONS"),
        ("/configz", "GET, HEAD, OPTIONS"),
    ];
    for (path, allow) in routes {
        let methods = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW",
        ];
        for method in methods
            .into_iter()
            .filter(|method| !allow.split(", ").any(|allowed| allowed == *method))
        {
            let answer = host.request(method, path).send();

            assert_eq!(
                answer.status,
                405,
                "`{method} {path}`: {}",
                answer.describe()
            );
            assert_eq!(answer.header("allow"), Some(allow), "`{method} {path}`");
            if method != "HEAD" {
                assert_problem(&answer, 405, "method-not-allowed");
            }
        }
        let options = host.request("OPTIONS", path).send();
        options.expect_status(204);
        assert_eq!(options.header("allow"), Some(allow), "`OPTIONS {path}`");
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
