//! `GET /openapi.json`, held to the service in both directions: the service has every path and
//! method that the document has, and gives every answer that it promises.
//!
//! That no answer is given which is not promised, the harness asserts of all answers to all tests.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::json;
use tests::{
    Contract, FaultyProcessor, Host, Promise, Request, Response, Setup, Test, UNKNOWN_ID,
    break_store, damage_records, journey, order, order_of_bytes, order_that, read_repository_file,
    tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    the_document_is_served_as_it_is_in_the_repository,
    each_path_has_the_methods_that_the_document_says,
    each_answer_that_is_promised_is_given,
];

fn the_document_is_served_as_it_is_in_the_repository() {
    let host = Host::shared();

    let answer = host.get("/openapi.json").send();

    let expected = read_repository_file("clients/js/openapi.json");
    answer.expect_json(200);
    assert_eq!(answer.text(), expected);
    let etag = answer.header("etag").expect("the document has an ETag");
    let request = || host.get("/openapi.json");
    let unchanged = request().header("if-none-match", etag).send();
    unchanged.expect_status(304);
    assert_eq!(unchanged.header("etag"), Some(etag));
    let changed = request().header("if-none-match", "\"another\"").send();
    changed.expect_status(200);
}

fn each_path_has_the_methods_that_the_document_says() {
    let host = Host::shared();
    let promised: BTreeSet<_> = Contract::read()
        .promises()
        .map(|promise| (promise.path, promise.method))
        .collect();
    let paths: BTreeSet<_> = promised.iter().map(|(path, _)| path).collect();
    for template in paths {
        let path = template
            .replace("{id}", UNKNOWN_ID)
            .replace("{code}", "order-ended")
            .replace("{file}", "app.js");
        let options = host.request("OPTIONS", &path).send();
        let allow = options.header("allow").expect("OPTIONS tells the methods");
        let allowed: BTreeSet<_> = allow.split(", ").collect();
        let documented: BTreeSet<_> = promised
            .iter()
            .filter(|(path, _)| path == template)
            .map(|(_, method)| method.as_str())
            .collect();
        assert_eq!(allowed, documented, "`{path}`");

        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get",
            "PROPFIND",
        ] {
            let answer = host.request(method, &path).send();

            assert_eq!(
                answer.status != 405,
                documented.contains(method),
                "{}",
                answer.describe()
            );
            // Nothing may be there by that name, but there is such a path.
            if answer.status == 404 && method != "HEAD" {
                assert_ne!(answer.json()["type"], "/problems/not-found", "`{path}`");
            }
        }
    }
}

fn each_answer_that_is_promised_is_given() {
    let seen = Seen::default();

    what_needs_no_settings(&seen);
    what_a_caller_without_a_token_gets(&seen);
    what_is_answered_about_a_damaged_record(&seen);
    what_is_answered_by_a_processor_that_cannot_work(&seen);
    what_is_answered_with_a_broken_store(&seen);
    what_an_owner_with_too_many_open_orders_gets(&seen);

    let promised: BTreeSet<_> = Contract::read().promises().collect();
    let missing: Vec<_> = promised.difference(&seen.0.borrow()).cloned().collect();
    assert!(missing.is_empty(), "never given: {missing:#?}");
}

/// The promises that were kept.
#[derive(Default)]
struct Seen(RefCell<BTreeSet<Promise>>);

impl Seen {
    /// Sends a request, and notes which promise its answer keeps.
    fn send(&self, request: Request) -> Response {
        let answer = request.send();
        let promise = Contract::read().assert_kept(&answer);
        self.0.borrow_mut().extend(promise);
        answer
    }
}

fn what_needs_no_settings(seen: &Seen) {
    let host = Host::shared();
    let get = |path: &str| seen.send(host.get(path));
    let head = |path: &str| seen.send(host.request("HEAD", path));
    let unchanged = |path: &str| {
        for method in ["GET", "HEAD"] {
            seen.send(host.request(method, path).header("if-none-match", "*"));
        }
    };
    let open = seen.send(host.submit(order_that(&json!({"ms": 600_000}))));
    let open = uuid_in(&open);
    let ended = seen.send(
        host.submit(order_that(&json!({"ms": 0})))
            .header("prefer", "wait=60"),
    );
    let ended = ended.expect_json(303)["id"].clone();
    let ended = ended.as_str().expect("an id is a string");
    let failed = journey(host, &order_that(&json!({"ms": 0, "outcome": "fail"}))).id;
    get(&format!("/orders/{failed}")).expect_json(500);

    for id in [open.as_str(), ended, UNKNOWN_ID] {
        for path in [format!("/orders/status/{id}"), format!("/orders/{id}")] {
            get(&path);
            head(&path);
            seen.send(host.request("OPTIONS", &path));
        }
    }
    unchanged(&format!("/orders/status/{open}"));
    for id in [open.as_str(), ended, UNKNOWN_ID] {
        seen.send(host.request("DELETE", &format!("/orders/status/{id}")));
    }
    get(&format!("/orders/{open}")).expect_json(410);

    for request in requests_about_orders(host) {
        let twice = request.header("authorization", "Bearer a");
        seen.send(twice.header("authorization", "Bearer b"));
    }

    for path in ["/orders?limit=1", "/orders?limit=0"] {
        get(path);
        head(path);
    }
    seen.send(host.submit("{"));
    seen.send(host.submit("{}"));
    // In chunks, because what announces to be too large is refused while it is still being sent.
    let large = host.request("POST", "/orders");
    seen.send(large.chunked_body(order_of_bytes(262_145)));
    let text = host.request("POST", "/orders").body(order());
    seen.send(text.header("content-type", "text/plain"));

    for path in [
        "/",
        "/assets/app.js",
        "/assets/none.js",
        "/healthz",
        "/readyz",
        "/configz",
        "/problems/order-ended",
        "/problems/none",
        "/openapi.json",
        "/orders",
    ] {
        get(path);
        head(path);
        seen.send(host.request("OPTIONS", path));
    }
    for path in ["/", "/assets/app.js", "/openapi.json"] {
        unchanged(path);
    }
}

fn what_a_caller_without_a_token_gets(seen: &Seen) {
    let host = Setup::new()
        .variable("api_tokens", &format!("ada:{}", "0".repeat(64)))
        .start();
    for request in requests_about_orders(&host) {
        seen.send(request).expect_status(401);
    }
}

fn what_is_answered_about_a_damaged_record(seen: &Seen) {
    let host = Setup::controlled().start();
    let submit = || {
        let order = order_that(&json!({"ms": 600_000}));
        host.submit(order).header("idempotency-key", "\"damaged\"")
    };
    let id = uuid_in(&submit().send());
    damage_records(host.state_dir());
    seen.send(submit()).expect_status(500);
    for path in [format!("/orders/status/{id}"), format!("/orders/{id}")] {
        for method in ["GET", "HEAD"] {
            seen.send(host.request(method, &path)).expect_status(500);
        }
    }
    let status = format!("/orders/status/{id}");
    seen.send(host.request("DELETE", &status))
        .expect_status(500);
}

fn what_is_answered_by_a_processor_that_cannot_work(seen: &Seen) {
    let processor = FaultyProcessor::start_later();
    let host = Setup::new()
        .variable("processor_url", &processor.url())
        .start();
    processor.answer();
    until("the host to know of the processor", || {
        (host.get("/configz").send().status == 503).then_some(())
    });
    for method in ["GET", "HEAD"] {
        seen.send(host.request(method, "/configz"))
            .expect_status(503);
    }
}

fn what_is_answered_with_a_broken_store(seen: &Seen) {
    let host = Setup::new().start();
    // The store is opened by the first who needs it.
    host.get("/readyz").send().expect_status(200);
    break_store(host.state_dir());
    for request in requests_about_orders(&host) {
        seen.send(request).expect_status(503);
    }
    for method in ["GET", "HEAD"] {
        // Each instance finds it out for itself.
        until("the host not to be ready", || {
            let answer = seen.send(host.request(method, "/readyz"));
            (answer.status == 503).then_some(())
        });
    }
    host.get("/healthz").send().expect_status(200);
}

fn what_an_owner_with_too_many_open_orders_gets(seen: &Seen) {
    let host = Setup::controlled()
        .variable("max_open_orders", "1")
        .variable("sweep_seconds", "1")
        .start();
    until("an owner to be refused", || {
        let answer = seen.send(host.submit(order_that(&json!({"ms": 600_000}))));
        (answer.status == 429).then_some(())
    });
}

/// One request to each operation that needs the store.
fn requests_about_orders(host: &Host) -> Vec<Request> {
    let status = format!("/orders/status/{UNKNOWN_ID}");
    let result = format!("/orders/{UNKNOWN_ID}");
    vec![
        host.submit(order()),
        host.get("/orders"),
        host.request("HEAD", "/orders"),
        host.get(&status),
        host.request("HEAD", &status),
        host.request("DELETE", &status),
        host.get(&result),
        host.request("HEAD", &result),
    ]
}
