//! The event stream of a status: server-sent events (HTML Living Standard, 9.2).

use serde_json::{Value, json};
use tests::{
    Contract, Host, RawConnection, Response, Setup, Test, UNKNOWN_ID, assert_problem, journey,
    order_that, retry_after_seconds, tests, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    each_change_is_an_event_until_the_order_has_ended,
    an_order_that_has_ended_has_a_stream_of_its_end,
    a_client_that_comes_back_gets_only_what_it_has_not_seen,
    a_stream_goes_on_after_the_event_that_was_seen_last,
    what_is_no_revision_is_ignored,
    an_unknown_order_has_no_stream,
    the_stream_is_for_those_who_take_it_and_the_document_for_others,
    a_last_event_that_is_there_twice_is_refused,
    comments_show_that_a_quiet_stream_is_alive,
    "which of its instances meets a client is the host's": a_client_that_leaves_frees_its_place
        (wasi03 "each client has an instance, so the instance's bound on clients is never met"),
    "Spin bounds nobody who waits": those_who_wait_are_bounded_for_all_instances_together,
];

/// One event.
struct Event {
    id: u64,
    name: String,
    data: Value,
}

fn each_change_is_an_event_until_the_order_has_ended() {
    let host = Host::shared();
    // Long enough for its progress to be stored in between.
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 5000}))).send());

    let answer = stream(host, &id, None);

    let events = events(&answer);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (end, changes) = events.split_last().expect("a stream has an end");
    assert!(changes.len() >= 3, "{}", answer.describe());
    for change in changes {
        assert_eq!(change.name, "status");
        assert_eq!(change.data["id"], id);
        Contract::read().assert_valid("StatusDocument", &change.data);
    }
    assert!(
        changes.is_sorted_by(|a, b| a.id < b.id),
        "each revision is told once, in order: {}",
        answer.describe()
    );
    let last = &changes[changes.len() - 1];
    assert_eq!(last.data["status"], "completed");
    assert_is_end(end, last, &id);
}

fn an_order_that_has_ended_has_a_stream_of_its_end() {
    let host = Host::shared();
    let id = journey(host, &order_that(&json!({"ms": 0, "outcome": "fail"}))).id;

    let events = events(&stream(host, &id, None));

    let [change, end] = &events[..] else {
        panic!(
            "expected a change and the end, found {} events",
            events.len()
        )
    };
    assert_eq!(change.data["status"], "failed");
    assert_eq!(change.data["error"]["code"], "permanent");
    assert_is_end(end, change, &id);
}

fn a_client_that_comes_back_gets_only_what_it_has_not_seen() {
    let host = Host::shared();
    let id = journey(host, &order_that(&json!({"ms": 0}))).id;
    let revision = events(&stream(host, &id, None))[0].id;

    let names = |seen: u64| -> Vec<String> {
        let events = events(&stream(host, &id, Some(&seen.to_string())));
        events.into_iter().map(|event| event.name).collect()
    };

    assert_eq!(names(revision), ["ended"]);
    assert_eq!(names(revision - 1), ["status", "ended"]);
    // A revision that there never was tells nothing.
    assert_eq!(names(revision + 1), ["status", "ended"]);
}

fn a_stream_goes_on_after_the_event_that_was_seen_last() {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let first = open(host, &id, None).read_until("\n\n");
    let seen = first_id(&first);

    let next = open(host, &id, Some(seen)).read_until("event: status");

    assert!(first_id(&next) > seen, "after {seen}: {next}");
}

fn what_is_no_revision_is_ignored() {
    let host = Host::shared();
    let id = journey(host, &order_that(&json!({"ms": 0}))).id;

    for nonsense in ["", "-1", "1.0", "abc", "99999999999999999999999", "*"] {
        let events = events(&stream(host, &id, Some(nonsense)));

        assert_eq!(events.len(), 2, "`{nonsense}`");
    }
}

fn an_unknown_order_has_no_stream() {
    assert_problem(
        &stream(Host::shared(), UNKNOWN_ID, None),
        404,
        "order-not-found",
    );
}

fn the_stream_is_for_those_who_take_it_and_the_document_for_others() {
    let host = Host::shared();
    let ended = journey(host, &order_that(&json!({"ms": 0}))).id;
    let open = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let get = |id: &str, accept: &str| {
        let request = host.get(&format!("/orders/status/{id}"));
        request.header("accept", accept).send()
    };
    for accept in [
        "text/event-stream",
        "Text/Event-Stream",
        "application/json;q=0.5, text/event-stream;q=0.6, */*;q=0.1",
    ] {
        let answer = get(&ended, accept);
        events(&answer);
        assert_eq!(answer.header("vary"), Some("Accept, Prefer"));
    }
    for accept in [
        "*/*",
        "text/event-stream;q=0",
        "text/event-stream;q=0.000, */*;q=0.1",
        "text/event-stream;q=0.2, application/json",
    ] {
        for (id, status) in [(&ended, 303), (&open, 200)] {
            let answer = get(id, accept);
            answer.expect_json(status);
            // A cache must not give it to who asked for the stream, or to be held.
            assert_eq!(answer.header("vary"), Some("Accept, Prefer"), "`{accept}`");
        }
    }
}

fn a_last_event_that_is_there_twice_is_refused() {
    let host = Host::shared();
    let ended = journey(host, &order_that(&json!({"ms": 0}))).id;
    let request = host.get(&format!("/orders/status/{ended}"));
    let request = request.header("accept", "text/event-stream");

    let answer = request
        .header("last-event-id", "1")
        .header("last-event-id", "2")
        .send();

    assert_problem(&answer, 400, "repeated-header");
}

/// Nothing is written about this order for a minute, and the instance that serves its stream has
/// nothing else to do.
fn comments_show_that_a_quiet_stream_is_alive() {
    let host = Setup::controlled()
        .variable("lease_seconds", "600")
        .variable("progress_seconds", "600")
        .shim_limits("tail_seconds_max = 5")
        .start();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    tests::until("an order to be processed", || {
        let document = host.get(&format!("/orders/status/{id}")).send().json();
        (document["status"] == "processing").then_some(())
    });
    let mut stream = open(&host, &id, None);

    stream.read_until("event: status");
    stream.read_until(": keep-alive\n\n");

    // And it is still a stream: the end of the order comes through.
    host.request("DELETE", &format!("/orders/status/{id}"))
        .send()
        .expect_status(200);
    let rest = stream.read_to_end();
    assert!(rest.contains("event: ended"), "{rest}");
}

fn a_client_that_leaves_frees_its_place() {
    let host = Setup::controlled().variable("max_waiters", "1").start();
    let ended = journey(&host, &order_that(&json!({"ms": 0}))).id;
    let open_order = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    // It ends at once where there is a place for it.
    let has_place = || match stream(&host, &ended, None) {
        answer if answer.status == 200 => true,
        answer => {
            assert_problem(&answer, 503, "too-many-waiters");
            false
        }
    };
    let mut connection = open(&host, &open_order, None);
    connection.read_until("event: status");
    // Another instance may answer as well, and has its own place.
    tests::until("a request to meet the one who waits", || {
        (!has_place()).then_some(())
    });

    drop(connection);

    // So often that the same instance must have answered.
    tests::until("the place to be free", || {
        (0..20).all(|_| has_place()).then_some(())
    });
}

/// Reads a stream to its end.
fn those_who_wait_are_bounded_for_all_instances_together() {
    let host = Setup::controlled()
        .runtime_config("[limits]\nwaiters_max = 2\ninstance_requests_max = 1\n")
        .start();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    let path = format!("/orders/status/{id}");
    let mut streams = [(); 2].map(|()| open(&host, &id, None));
    for stream in &mut streams {
        stream.read_until("event: status");
    }

    for (name, value) in [("prefer", "wait=60"), ("accept", "text/event-stream")] {
        let refused = host.get(&path).header(name, value).send();
        refused.expect_status(503);
        retry_after_seconds(&refused);
    }
    // Who only asks, or submits, is served as ever.
    host.get(&path).send().expect_status(200);
    let submitted = host
        .submit(order_that(&json!({"ms": 600_000})))
        .header("prefer", "wait=60")
        .send();
    submitted.expect_status(202);

    // A place is free again when its client has gone.
    drop(streams);
    tests::until("a place to be free", || {
        let answer = host.get(&path).header("prefer", "wait=1").send();
        (answer.status == 200).then_some(())
    });
}

fn stream(host: &Host, id: &str, last_event_id: Option<&str>) -> Response {
    let request = host
        .get(&format!("/orders/status/{id}"))
        .header("accept", "text/event-stream");
    match last_event_id {
        Some(value) => request.header("last-event-id", value).send(),
        None => request.send(),
    }
}

/// Begins to read a stream; by HTTP/1.0, in which nothing is put between the events.
fn open(host: &Host, id: &str, last_event_id: Option<u64>) -> RawConnection {
    let seen = last_event_id.map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
    let mut connection = RawConnection::open(host);
    connection.send(format!(
        "GET /orders/status/{id} HTTP/1.0\r\nhost: orders\r\naccept: text/event-stream\r\n{seen}\r\n"
    ));
    connection
}

fn first_id(text: &str) -> u64 {
    let id = text.lines().find_map(|line| line.strip_prefix("id: "));
    id.and_then(|id| id.parse().ok())
        .unwrap_or_else(|| panic!("expected an id, found `{text}`"))
}

/// The events of a stream, which may have comments but nothing else.
fn events(answer: &Response) -> Vec<Event> {
    answer.expect_status(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    assert!(text.ends_with("\n\n"), "{}", answer.describe());
    text.split_terminator("\n\n")
        .filter(|block| !block.starts_with(':'))
        .map(|block| {
            let lines: Vec<_> = block.lines().collect();
            let [id, name, data] = lines[..] else {
                panic!("expected three lines, found `{block}`")
            };
            let field = |line: &str, name: &str| {
                line.strip_prefix(name)
                    .unwrap_or_else(|| panic!("expected `{name}`, found `{line}`"))
                    .to_owned()
            };
            Event {
                id: field(id, "id: ").parse().expect("a revision is a number"),
                name: field(name, "event: "),
                data: serde_json::from_str(&field(data, "data: ")).expect("data is JSON"),
            }
        })
        .collect()
}

fn assert_is_end(end: &Event, last: &Event, id: &str) {
    assert_eq!(end.name, "ended");
    assert_eq!(end.id, last.id);
    assert_eq!(end.data["status"], last.data["status"]);
    assert_eq!(end.data["links"]["result"], format!("/orders/{id}"));
    Contract::read().assert_valid("EndedDocument", &end.data);
}
