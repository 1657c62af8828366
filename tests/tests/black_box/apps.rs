//! Other apps than orders: projects that `cargo xtask new` made, with their own collections.

use serde_json::{Value, json};
use tests::{
    Host, Setup, Test, WorkerServer, assert_problem, poll_to_the_end, read_repository_file, tests,
};

pub(crate) const TESTS: &[Test] = tests![
    a_project_from_the_template_serves_its_collection (wasi03 "the template is for WASI 0.3"),
    an_app_calls_a_service_and_gives_a_result_of_its_own (wasi03 "the template is for WASI 0.3"),
    an_app_has_more_than_one_kind_of_work (wasi03 "the template is for WASI 0.3"),
    orders_may_be_any_json_where_a_variable_says_so,
    a_schema_in_a_variable_is_what_orders_are_held_to,
];

/// The settings of a project that `cargo xtask examples` has built.
fn project(name: &str) -> Setup {
    Setup::new().application(&format!("target/examples/{name}/spin.toml"))
}

/// Submits to a collection, and returns where the status is.
fn submit(host: &Host, collection: &str, input: &str) -> String {
    let request = host.request("POST", &format!("/{collection}"));
    let request = request.header("content-type", "application/json");
    let accepted = request.body(input).send();
    accepted.expect_json(202);
    let status = accepted.header("location").expect("a 202 has a location");
    status.to_owned()
}

/// Waits for the end, and returns the result.
fn result(host: &Host, status: &str) -> Value {
    let (_, redirect) = poll_to_the_end(host, status);
    let result = redirect.header("location").expect("a 303 has a location");
    host.get(result).send().expect_json(200)
}

fn a_project_from_the_template_serves_its_collection() {
    let host = project("template").start();
    let input = read_repository_file("templates/async-http/content/app/example.json");

    let status = submit(&host, "notes", &input);
    let result = result(&host, &status);

    assert!(status.starts_with("/notes/status/"), "{status}");
    let sent: Value = serde_json::from_str(&input).expect("the example is JSON");
    assert_eq!(result["note"]["title"], sent["title"], "{result}");
    assert!(result["note"]["completedAt"].is_string(), "{result}");
    assert_eq!(result["result"]["words"], 4, "{result}");
    assert!(host.get("/notes").send().json()["notes"].is_array());
    host.get("/reports").send().expect_status(404);

    let document = host.get("/openapi.json").send().json();
    assert!(document["paths"]["/notes"].is_object());
    let named = json!({"path": "notes", "name": "note"});
    assert_eq!(document["info"]["x-collection"], named);
    let schema = &document["components"]["schemas"]["Order"];
    assert_eq!(schema["properties"]["title"]["maxLength"], 200, "{schema}");

    let request = host.request("POST", "/notes").body(r#"{"title": ""}"#);
    let problem = assert_problem(&request.send(), 422, "invalid-order");
    assert_eq!(problem["errors"][0]["pointer"], "/title");
}

fn an_app_calls_a_service_and_gives_a_result_of_its_own() {
    let renderer = WorkerServer::start();
    let host = project("reports")
        .variable("service_url", &renderer.origin())
        .start();
    let example = read_repository_file("examples/reports/example.json");
    let sent: Value = serde_json::from_str(&example).expect("the example is JSON");
    let pages = sent["pages"].as_u64().expect("a report has pages");

    let status = submit(&host, "reports", &example);
    for page in 1..=pages {
        let call = renderer.next();
        let body: Value = serde_json::from_slice(call.body()).expect("it is asked in JSON");
        assert_eq!(body, json!({"title": sent["title"], "page": page}));
        call.answer(format!(
            "HTTP/1.1 201 Created\r\nlocation: /pages/{page}\r\ncontent-length: 0\r\n\r\n"
        ));
    }

    let places: Vec<_> = (1..=pages).map(|page| format!("/pages/{page}")).collect();
    assert_eq!(result(&host, &status)["result"], json!(places));
}

fn an_app_has_more_than_one_kind_of_work() {
    let storage = WorkerServer::start();
    let host = project("media")
        .variable("service_url", &storage.origin())
        .start();

    let example = read_repository_file("examples/media/example.json");
    let status = submit(&host, "jobs", &example);
    let mut picture = storage.next();
    assert_eq!(picture.line(), "GET /pictures/7 HTTP/1.1");
    // In pieces, so that the step goes on over their borders.
    picture.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n0123\r\n");
    picture.answer("6\r\n456789\r\n0\r\n\r\n");
    let thumbnail = storage.next();
    assert!(thumbnail.line().starts_with("PUT /thumbnails/"));
    assert_eq!(thumbnail.body(), b"0369");
    thumbnail.answer("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n");
    let place = result(&host, &status)["result"]["place"].clone();
    let id = status.rsplit('/').next().expect("a path has an end");
    assert_eq!(place, format!("/thumbnails/{id}"));

    let sentences = r#"{"kind": "transcript", "sentences": ["One.", "Two."]}"#;
    let transcript = result(&host, &submit(&host, "jobs", sentences));
    assert_eq!(transcript["result"], json!({"text": "One.\nTwo.\n"}));
}

fn orders_may_be_any_json_where_a_variable_says_so() {
    let host = Setup::new()
        .variable("simulate_max_ms", "0")
        .variable("input_schema", "any")
        .start();

    let ended = result(&host, &submit(&host, "orders", r#"{"anything": [1e0]}"#));

    assert_eq!(ended["order"]["anything"][0], 1.0);
    let problem = assert_problem(&host.submit("[1]").send(), 422, "invalid-order");
    assert_eq!(problem["errors"][0]["pointer"], "");
    let document = host.get("/openapi.json").send().json();
    let schema = &document["components"]["schemas"]["Order"];
    assert_eq!(*schema, json!({"type": "object"}));
}

fn a_schema_in_a_variable_is_what_orders_are_held_to() {
    let schema = r#"{"type":"object","properties":{"pages":{"type":"integer","minimum":1}},"required":["pages"]}"#;
    let host = Setup::new().variable("input_schema", schema).start();

    host.submit(r#"{"pages": 3}"#).send().expect_status(202);
    let problem = assert_problem(&host.submit(r#"{"pages": 0}"#).send(), 422, "invalid-order");
    assert_eq!(problem["errors"][0]["pointer"], "/pages");
}
