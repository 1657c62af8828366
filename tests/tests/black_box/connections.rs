//! HTTP/1.1 as bytes on a connection: what is answered, and that an answer arrives (RFC 9112).

use serde_json::json;
use tests::{Host, RawConnection, Test, order, order_of_bytes, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    "how a host ends a connection is its own": what_follows_a_request_does_not_hold_its_answer_back,
    "how a host ends a connection is its own": a_client_that_has_said_all_is_answered,
    "how a host ends a connection is its own": a_malformed_head_is_refused_in_words,
    "how a host ends a connection is its own": a_body_in_an_unknown_coding_is_not_implemented,
    "how a host ends a connection is its own": a_client_that_sends_all_before_it_reads_is_told_that_it_is_too_much,
    "how a host ends a connection is its own": requests_of_http_1_0_need_no_host,
    "how a host ends a connection is its own": a_host_that_is_none_is_refused,
    "how a host ends a connection is its own": the_service_as_a_whole_has_options,
    "how a host ends a connection is its own": requests_that_are_sent_at_once_are_answered_in_order,
    "how a host ends a connection is its own": a_wait_ends_when_its_client_has_said_all,
    "how a host ends a connection is its own": a_stream_ends_in_order_when_its_client_has_said_all,
];

/// A submission, with headers of the test's.
fn submission(headers: &str) -> String {
    let order = order();
    format!(
        "POST /orders HTTP/1.1\r\nhost: orders\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n{order}",
        order.len()
    )
}

/// Sends `request` on a connection of its own, and returns all that comes until the host closes it.
fn answer_to(request: impl AsRef<[u8]>) -> String {
    let mut connection = RawConnection::open(Host::shared());
    connection.send(request);
    connection.read_to_end()
}

/// Some clients end a body with a line break that is no part of it (RFC 9112, 2.2).
fn what_follows_a_request_does_not_hold_its_answer_back() {
    for rest in [
        "\r\n",
        "\r\n\r\n",
        "x",
        "GET /",
        "GET / HTTP/1.1\r\nhost: a",
    ] {
        let answer = answer_to(submission("connection: close\r\n") + rest);
        assert!(answer.starts_with("HTTP/1.1 202 "), "{rest:?}: {answer}");

        // Where the connection goes on, the answer does not wait for what comes next.
        let mut connection = RawConnection::open(Host::shared());
        connection.send(submission("") + rest);
        let head = connection.read_head();
        assert!(head.starts_with("HTTP/1.1 202 "), "{rest:?}: {head}");
    }
}

fn a_client_that_has_said_all_is_answered() {
    for request in [
        submission(""),
        "GET /healthz HTTP/1.1\r\nhost: orders\r\n\r\n".to_owned(),
    ] {
        let mut connection = RawConnection::open(Host::shared());
        connection.send(&request);
        connection.finish();

        let answer = connection.read_to_end();
        assert!(answer.starts_with("HTTP/1.1 20"), "{request}: {answer}");
    }
}

fn a_malformed_head_is_refused_in_words() {
    let huge = "x".repeat(64 * 1024);
    let long = format!("GET /{huge} HTTP/1.1\r\nhost: a\r\n\r\n");
    let large = format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {huge}\r\n\r\n");
    let requests = [
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nX : 1\r\n\r\n", 400),
        (
            "GET /healthz HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n",
            400,
        ),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nx\r\n\r\n", 400),
        ("hello\r\n\r\n", 400),
        ("GET /healthz HTTP/9.9\r\nhost: a\r\n\r\n", 400),
        (
            "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\n",
            400,
        ),
        (
            "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
            400,
        ),
        (
            "POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n",
            400,
        ),
        (&large, 431),
        (&long, 431),
    ];
    for (request, status) in requests {
        let answer = answer_to(request);

        let expected = format!("HTTP/1.1 {status} ");
        let shown = &request[..request.len().min(200)];
        assert!(answer.starts_with(&expected), "{shown:?}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

fn a_body_in_an_unknown_coding_is_not_implemented() {
    let answer = answer_to(
        "POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    );

    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

/// As most clients do. A connection that is closed on them meanwhile takes the answer along (RFC
/// 9112, 9.6).
fn a_client_that_sends_all_before_it_reads_is_told_that_it_is_too_much() {
    let order = order_of_bytes(20 * 1024 * 1024);
    for _ in 0..5 {
        let mut connection = RawConnection::open(Host::shared());
        connection.send(format!(
            "POST /orders HTTP/1.1\r\nhost: orders\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            order.len()
        ));
        connection.send(&order);

        let answer = connection.read_to_end();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

fn requests_of_http_1_0_need_no_host() {
    let answer = answer_to("GET /healthz HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");

    let order = order();
    let answer = answer_to(format!(
        "POST /orders HTTP/1.0\r\ncontent-length: {}\r\n\r\n{order}",
        order.len()
    ));
    assert!(answer.starts_with("HTTP/1.0 202 "), "{answer}");
    // It is known where the client found the service.
    let location = format!(
        "operation-location: http://{}/orders/status/",
        Host::shared().address()
    );
    assert!(answer.contains(&location), "{answer}");
}

fn a_host_that_is_none_is_refused() {
    for (target, hosts) in [
        ("/healthz", ""),
        ("/healthz", "host: user@evil.example\r\n"),
        ("/healthz", "host: a b\r\n"),
        ("/healthz", "host: a:port\r\n"),
        ("/healthz", "host: a\r\nhost: a\r\n"),
        ("http://a.example/healthz", "host: user@evil.example\r\n"),
        ("http://user@evil.example/healthz", "host: a.example\r\n"),
        ("http://a.example/healthz", ""),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        let answer = answer_to(&request);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
        assert!(!answer.contains("evil"), "{answer}");
    }
}

fn the_service_as_a_whole_has_options() {
    let answer = answer_to("OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");

    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(answer.contains("allow: "), "{answer}");
}

fn requests_that_are_sent_at_once_are_answered_in_order() {
    let health = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let nowhere = "GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

    let answers = answer_to(health.repeat(20) + nowhere);

    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 20, "{answers}");
    let last = answers.rfind("HTTP/1.1 ").expect("there are answers");
    assert!(answers[last..].starts_with("HTTP/1.1 404 "), "{answers}");
}

/// It may be gone, and it may not; either way it is answered, and nothing waits for it.
fn a_wait_ends_when_its_client_has_said_all() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let mut connection = RawConnection::open(host);
    connection.send(format!(
        "GET /orders/status/{id} HTTP/1.1\r\nhost: a\r\nprefer: wait=60\r\n\r\n"
    ));
    connection.finish();

    let answer = connection.read_to_end();

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    // It was not waited for, and so that is not said.
    assert!(!answer.contains("preference-applied"), "{answer}");
}

fn a_stream_ends_in_order_when_its_client_has_said_all() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let mut connection = RawConnection::open(host);
    connection.send(format!(
        "GET /orders/status/{id} HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n"
    ));
    connection.read_until("event: status");
    connection.finish();

    let rest = connection.read_to_end();

    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
}
