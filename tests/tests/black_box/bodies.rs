//! Request bodies that are no JSON, of a wrong type, or too large.

use tests::{Host, RawConnection, Setup, Test, assert_problem, order, order_of_bytes, tests};

pub(crate) const TESTS: &[Test] = tests![
    what_is_not_one_json_text_is_malformed,
    a_member_that_is_there_twice_is_malformed,
    nesting_is_bounded,
    brackets_in_strings_do_not_nest,
    a_body_of_another_media_type_is_refused,
    json_is_accepted_by_any_of_its_names_and_by_none,
    a_type_that_is_there_twice_is_refused,
    a_body_that_is_encoded_is_refused,
    a_body_may_be_as_large_as_the_limit_and_no_larger,
    a_body_in_chunks_is_measured_too,
    a_body_that_announces_to_be_far_too_large_is_refused_unread,
    "Spin closes the connection at once": a_client_that_sends_too_much_before_it_reads_gets_its_answer,
    the_size_limit_is_a_variable,
    what_is_not_http_is_refused_and_others_are_served,
];

/// The head of a submission, but for its end.
const POST: &str = "POST /orders HTTP/1.1\r\nhost: orders\r\ncontent-type: application/json\r\n";

/// The default of `max_body_bytes`.
const BODY_BYTES_MAX: usize = 262_144;

fn what_is_not_one_json_text_is_malformed() {
    let valid = order();
    let bodies: [&[u8]; 15] = [
        b"",
        b" \n",
        b"{",
        b"order",
        b"nul",
        b"{\"customer\":\"a\",\"items\":[{\"name\":\"t\",\"quantity\":1}],}",
        b"{'customer':'a'}",
        b"{\"customer\":\"a\" \"items\":[]}",
        b"{\"customer\":\"\xff\xfe\",\"items\":[{\"name\":\"t\",\"quantity\":1}]}",
        b"{\"customer\":\"\\ud800\",\"items\":[{\"name\":\"t\",\"quantity\":1}]}",
        b"{\"customer\":\"line\nbreak\",\"items\":[{\"name\":\"t\",\"quantity\":1}]}",
        b"{\"customer\":\"a\",\"items\":[{\"name\":\"t\",\"quantity\":01}]}",
        b"{\"customer\":\"a\",\"items\":[{\"name\":\"t\",\"quantity\":NaN}]}",
        &[valid.as_bytes(), b"x"].concat(),
        &[valid.as_bytes(), valid.as_bytes()].concat(),
    ];
    for body in bodies {
        let answer = Host::shared().submit(body).send();

        assert_eq!(
            answer.status,
            400,
            "`{}`: {}",
            body.escape_ascii(),
            answer.describe()
        );
        assert_problem(&answer, 400, "malformed-body");
    }
}

fn nesting_is_bounded() {
    // The order itself is the first level.
    Host::shared()
        .submit(order_nested(32))
        .send()
        .expect_status(202);
    for levels in [33, 100_000] {
        assert_problem(
            &Host::shared().submit(order_nested(levels)).send(),
            400,
            "malformed-body",
        );
    }
}

fn brackets_in_strings_do_not_nest() {
    let customer = "[{".repeat(50);
    let order = format!(r#"{{"customer":"\"{customer}","items":[{{"name":"t","quantity":1}}]}}"#);

    Host::shared().submit(order).send().expect_status(202);
}

fn a_body_of_another_media_type_is_refused() {
    let host = Host::shared();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
        "",
    ] {
        let answer = host
            .request("POST", "/orders")
            .header("content-type", media_type)
            .body(order())
            .send();

        assert_problem(&answer, 415, "unsupported-media-type");
    }
}

fn json_is_accepted_by_any_of_its_names_and_by_none() {
    let host = Host::shared();
    let names = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/vnd.shop+json",
    ];
    for name in names {
        let typed = host.request("POST", "/orders").header("content-type", name);
        typed.body(order()).send().expect_status(202);
    }
    host.request("POST", "/orders")
        .body(order())
        .send()
        .expect_status(202);
}

fn a_type_that_is_there_twice_is_refused() {
    let request = Host::shared().submit(order());
    let answer = request.header("content-type", "text/plain").send();

    assert_problem(&answer, 400, "repeated-header");
}

fn a_body_that_is_encoded_is_refused() {
    let submit = |encoding: &str| {
        let request = Host::shared().submit(order());
        request.header("content-encoding", encoding).send()
    };
    for encoding in ["gzip", "GZIP", "br", "identity, deflate"] {
        let answer = submit(encoding);

        assert_problem(&answer, 415, "unsupported-content-encoding");
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    for encoding in ["identity", "Identity", ""] {
        submit(encoding).expect_status(202);
    }
}

fn a_member_that_is_there_twice_is_malformed() {
    let twice = r#"{"customer":"Ada","customer":"Grace","items":[{"name":"tea","quantity":1}]}"#;

    let answer = Host::shared().submit(twice).send();

    assert_problem(&answer, 400, "malformed-body");
}

fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let largest = Host::shared().submit(order_of_bytes(BODY_BYTES_MAX)).send();
    largest.expect_status(202);

    assert_refused_unread(BODY_BYTES_MAX + 1);
}

fn a_body_that_announces_to_be_far_too_large_is_refused_unread() {
    assert_refused_unread(1 << 40);
}

/// Announces a body of that many bytes, and asserts that the answer does not wait for them.
fn assert_refused_unread(bytes: usize) {
    let mut connection = RawConnection::open(Host::shared());

    connection.send(format!("{POST}content-length: {bytes}\r\n\r\n{{"));

    let head = connection.read_head();
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: application/problem+json"),
        "{head}"
    );
}

fn a_body_in_chunks_is_measured_too() {
    let in_chunks = |order: String| {
        let request = Host::shared()
            .request("POST", "/orders")
            .header("content-type", "application/json");
        request.chunked_body(order).send()
    };

    in_chunks(order()).expect_status(202);
    in_chunks(order_of_bytes(BODY_BYTES_MAX)).expect_status(202);
    assert_problem(
        &in_chunks(order_of_bytes(BODY_BYTES_MAX + 1)),
        413,
        "body-too-large",
    );
}

/// Most clients send a whole body before they read. A connection that is closed on them meanwhile
/// takes the answer along (RFC 9112, 9.6).
fn a_client_that_sends_too_much_before_it_reads_gets_its_answer() {
    let order = order_of_bytes(4 * 1024 * 1024);
    for _ in 0..10 {
        let mut connection = RawConnection::open(Host::shared());
        connection.send(format!("{POST}content-length: {}\r\n\r\n", order.len()));
        connection.send(&order);

        let head = connection.read_head();
        assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    }
}

fn the_size_limit_is_a_variable() {
    let host = Setup::new().variable("max_body_bytes", "100").start();

    host.submit(order_of_bytes(100)).send().expect_status(202);
    assert_problem(
        &host.submit(order_of_bytes(101)).send(),
        413,
        "body-too-large",
    );
}

fn what_is_not_http_is_refused_and_others_are_served() {
    let host = Host::shared();
    let requests: [&[u8]; 5] = [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    ];
    for request in requests {
        let mut connection = RawConnection::open(host);
        connection.send(request);
        connection.finish();

        let answer = connection.read_to_end();

        // Spin closes some of these connections without a word.
        let refused = answer.is_empty()
            || answer.starts_with("HTTP/1.1 4")
            || answer.starts_with("HTTP/1.1 505");
        assert!(
            refused,
            "`{}` was answered `{answer}`",
            request.escape_ascii()
        );
        host.get("/healthz").send().expect_status(200);
    }
}

/// A valid order whose JSON nests that many levels deep, the order itself included.
fn order_nested(levels: usize) -> String {
    let inner = levels - 1;
    let deep = format!("{}{}", "[".repeat(inner), "]".repeat(inner));
    format!(r#"{{"customer":"Ada","items":[{{"name":"tea","quantity":1}}],"deep":{deep}}}"#)
}
