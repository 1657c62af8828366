//! `Idempotency-Key`: however often a request is sent, it makes one order.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{
    Host, HostKind, RawConnection, Response, Setup, Test, assert_problem, journey, order_keys,
    order_that, tests, together, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    a_repeated_request_makes_one_order,
    requests_that_arrive_together_make_one_order,
    a_key_is_the_same_quoted_and_bare,
    a_key_with_another_body_is_refused,
    a_refused_request_does_not_use_its_key_up,
    what_is_no_key_is_refused,
    a_key_that_is_no_text_is_not_taken_for_none,
    a_key_that_is_there_twice_is_refused,
    a_repetition_after_the_end_tells_the_end,
];

fn a_repeated_request_makes_one_order() {
    let host = Setup::controlled().start();
    let order = order_that(&json!({"ms": 600_000}));
    let first = submit(&host, "a-1", &order);
    let keys = order_keys(&host);

    assert_eq!(first.header("idempotency-replayed"), None);
    for _ in 0..3 {
        let again = submit(&host, "a-1", &order);

        assert_eq!(uuid_in(&again), uuid_in(&first));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("location"), first.header("location"));
    }

    assert_eq!(order_keys(&host), keys, "a repetition stores nothing");
    assert_ne!(uuid_in(&submit(&host, "a-2", &order)), uuid_in(&first));
}

fn requests_that_arrive_together_make_one_order() {
    let host = Host::shared();

    for round in 0..5 {
        let key = format!("together-{round}");
        // One of two bodies wins, and those of the other are told so.
        let answers = together(16, |index| {
            let order = order_that(&json!({"ms": 600_000 + index % 2}));
            (index % 2, submit(host, &key, &order))
        });

        let accepted: Vec<_> = answers.iter().filter(|(_, a)| a.status == 202).collect();
        let bodies: BTreeSet<_> = accepted.iter().map(|(body, _)| body).collect();
        let ids: BTreeSet<_> = accepted.iter().map(|(_, answer)| uuid_in(answer)).collect();
        assert_eq!(accepted.len(), 8, "one body's requests are accepted");
        assert_eq!(bodies.len(), 1);
        assert_eq!(ids.len(), 1, "{ids:?}");
        for (_, refused) in answers.iter().filter(|(_, answer)| answer.status != 202) {
            assert_problem(refused, 422, "idempotency-key-reused");
        }
    }
}

fn a_key_is_the_same_quoted_and_bare() {
    let host = Host::shared();
    let order = order_that(&json!({"ms": 600_000}));

    let bare = uuid_in(&submit(host, "quoted-or-bare", &order));

    assert_eq!(uuid_in(&submit(host, "\"quoted-or-bare\"", &order)), bare);
    assert_eq!(uuid_in(&submit(host, "  quoted-or-bare ", &order)), bare);
    assert_ne!(uuid_in(&submit(host, "Quoted-or-bare", &order)), bare);
}

fn a_key_with_another_body_is_refused() {
    let host = Host::shared();
    let order = order_that(&json!({"ms": 600_000}));
    let first = uuid_in(&submit(host, "another-body", &order));

    // Another body is another byte, be it white space.
    for other in [order_that(&json!({"ms": 1})), format!("{order} ")] {
        let refused = submit(host, "another-body", &other);

        assert_problem(&refused, 422, "idempotency-key-reused");
    }
    assert_eq!(uuid_in(&submit(host, "another-body", &order)), first);
}

fn a_refused_request_does_not_use_its_key_up() {
    let host = Host::shared();

    submit(host, "refused-first", "{}").expect_status(422);
    submit(host, "refused-first", "{").expect_status(400);

    let order = order_that(&json!({"ms": 600_000}));
    submit(host, "refused-first", &order).expect_status(202);
}

fn what_is_no_key_is_refused() {
    let host = Host::shared();
    let order = order_that(&json!({"ms": 0}));
    let longest = "k".repeat(255);
    submit(host, &longest, &order).expect_status(202);
    submit(host, &format!("\"{longest}\""), &order).expect_status(202);

    for key in [
        "",
        " ",
        "\"\"",
        "\"open",
        "\"a\" b",
        "\"a\\b\"",
        &"k".repeat(256),
        &format!("\"{}\"", "k".repeat(256)),
    ] {
        assert_problem(&submit(host, key, &order), 400, "invalid-idempotency-key");
    }
}

/// An order that is accepted as if there were no key could be accepted twice.
fn a_key_that_is_no_text_is_not_taken_for_none() {
    for key in [&b"\xff\xfe"[..], b"caf\xe9", "clé".as_bytes()] {
        let order = order_that(&json!({"ms": 0}));
        let mut connection = RawConnection::open(Host::shared());
        connection.send("POST /orders HTTP/1.1\r\nhost: orders\r\nidempotency-key: ");
        connection.send(key);
        connection.send(format!(
            "\r\ncontent-length: {}\r\n\r\n{order}",
            order.len()
        ));

        let head = connection.read_head();

        let status = match HostKind::current() {
            HostKind::Shim => 400,
            // Spin answers such a request itself.
            HostKind::Spin => 500,
        };
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    }
}

/// Which one the client meant cannot be told, and another request may come with the other alone.
fn a_key_that_is_there_twice_is_refused() {
    for second in ["twice-2", "twice-1"] {
        let request = Host::shared().submit(order_that(&json!({"ms": 0})));
        let answer = request
            .header("idempotency-key", "twice-1")
            .header("idempotency-key", second)
            .send();

        assert_problem(&answer, 400, "repeated-header");
    }
}

fn a_repetition_after_the_end_tells_the_end() {
    let host = Host::shared();
    let order = order_that(&json!({"ms": 0}));
    let id = uuid_in(&submit(host, "after-the-end", &order));
    host.get(&format!("/orders/status/{id}"))
        .header("prefer", "wait=60")
        .send()
        .expect_status(303);

    let again = submit(host, "after-the-end", &order);

    assert_eq!(uuid_in(&again), id);
    assert_eq!(again.json()["status"], "completed");
    // Who would wait need not.
    let waited = host
        .submit(&order)
        .header("idempotency-key", "after-the-end")
        .header("prefer", "wait=60")
        .send();
    assert_eq!(waited.expect_json(303)["id"], id);
    assert_eq!(waited.header("idempotency-replayed"), Some("true"));
    assert_ne!(journey(host, &order).id, id);
}

fn submit(host: &Host, key: &str, order: &str) -> Response {
    host.submit(order).header("idempotency-key", key).send()
}
