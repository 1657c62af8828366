//! `work = "http"`: what the server that does the work is sent, and what its answers mean for an order.
//!
//! `docs/worker.md` promises this to whoever writes such a server.

use serde_json::{Value, json};
use tests::{Host, Response, Setup, Test, WorkerServer, order, tests, until, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    a_worker_gets_the_order_as_it_was_sent,
    each_attempt_has_its_number_and_all_have_one_key,
    an_answer_labelled_as_json_is_the_result,
    an_answer_of_other_text_is_a_string,
    an_answer_without_content_completes_the_order,
    an_answer_that_is_no_text_fails_the_order,
    an_answer_labelled_as_json_that_is_none_is_asked_for_again,
    an_answer_that_breaks_off_is_asked_for_again,
    an_answer_that_is_too_large_fails_the_order,
    a_redirect_is_not_followed,
    a_refusal_that_time_may_mend_is_asked_for_again,
    a_refusal_of_this_order_fails_it,
    the_client_is_told_why_a_worker_refused,
    a_worker_says_when_it_wants_to_be_asked_again,
    a_worker_that_takes_too_long_is_left,
    no_limit_of_the_host_cuts_a_worker_off,
    a_cancelled_order_leaves_its_worker,
    the_workers_token_is_told_to_the_worker_alone,
];

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// As many bytes as are kept of a result.
const RESULT_BYTES_MAX: usize = 256 * 1024;

fn a_worker_gets_the_order_as_it_was_sent() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();
    let order = "{ \"items\" : [{\"quantity\":1.0e0,\"name\":\"t\\u00e9 \"}],\n\t\"customer\":\"Ada\",\"n\":1234567890123456789012 }";

    let id = uuid_in(&host.submit(order).send());
    let call = worker.next();

    assert_eq!(call.line(), "POST /work?of=shop HTTP/1.1");
    assert_eq!(String::from_utf8_lossy(call.body()), order);
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert_eq!(
        call.header("host"),
        Some(&worker.origin()["http://".len()..])
    );
    assert_eq!(
        call.header("idempotency-key"),
        Some(format!("\"{id}\"").as_str())
    );
    assert_eq!(call.header("attempt"), Some("1"));
    assert_eq!(call.header("authorization"), None);
    call.answer(answer("200 OK", None, ""));
}

fn each_attempt_has_its_number_and_all_have_one_key() {
    let worker = WorkerServer::start();
    let host = worker.setup().variable("worker_token", "t0ken").start();
    let accepted = host
        .submit(order())
        .header("traceparent", TRACEPARENT)
        .send();
    let key = format!("\"{}\"", uuid_in(&accepted));

    for attempt in ["1", "2"] {
        let call = worker.next();
        assert_eq!(call.header("attempt"), Some(attempt));
        assert_eq!(call.header("idempotency-key"), Some(key.as_str()));
        assert_eq!(call.header("traceparent"), Some(TRACEPARENT));
        assert_eq!(call.header("authorization"), Some("Bearer t0ken"));
        let status = if attempt == "1" { "503 Down" } else { "200 OK" };
        call.answer(answer(status, Some("application/json"), "7"));
    }

    assert_eq!(result(&host, &accepted).expect_json(200)["result"], 7);
}

fn an_answer_labelled_as_json_is_the_result() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    for content_type in [
        "application/json",
        "Application/vnd.shop+JSON; charset=utf-8",
    ] {
        let body = "\n{\"n\": 1.00, \"n2\": 12345678901234567890123}\n";
        let ended = outcome(
            &host,
            &worker,
            answer("201 Created", Some(content_type), body),
        );

        ended.expect_json(200);
        // As it was written, digit for digit.
        assert!(ended.text().contains(body.trim()), "{}", ended.describe());
    }
}

fn an_answer_of_other_text_is_a_string() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    for content_type in [Some("text/plain"), Some("text/html; charset=utf-8"), None] {
        let ended = outcome(
            &host,
            &worker,
            answer("200 OK", content_type, "{\"no\": 1} é\n"),
        );

        assert_eq!(ended.expect_json(200)["result"], "{\"no\": 1} é\n");
    }
}

fn an_answer_without_content_completes_the_order() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    for bytes in [
        answer("200 OK", Some("application/json"), ""),
        b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
    ] {
        let ended = outcome(&host, &worker, bytes).expect_json(200);

        assert_eq!(ended["status"], "completed");
        assert_eq!(ended.get("result"), None, "{ended}");
    }
}

fn an_answer_that_is_no_text_fails_the_order() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    let ended = outcome(
        &host,
        &worker,
        answer("200 OK", Some("image/png"), b"\x89PNG\xff"),
    );

    let message = "the worker's answer is neither labelled as JSON nor text in UTF-8";
    assert_failed(&ended, "permanent", message);
}

/// As a proxy's page is, or an answer that was cut where it was made.
fn an_answer_labelled_as_json_that_is_none_is_asked_for_again() {
    let worker = WorkerServer::start();
    let host = one_attempt(&worker).start();

    for body in ["{\"a\":", "<html></html>", "{} {}"] {
        let ended = outcome(
            &host,
            &worker,
            answer("200 OK", Some("application/json"), body),
        );

        let message = "the worker's answer is labelled as JSON and is none: ";
        assert_failed(&ended, "retryable", message);
    }
}

fn an_answer_that_breaks_off_is_asked_for_again() {
    let worker = WorkerServer::start();
    let host = one_attempt(&worker).start();

    for (bytes, message) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{}",
            "the worker's answer broke off",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "the worker's answer broke off",
        ),
        ("", "the worker did not answer: "),
        ("HTTP/1.1 200", "the worker did not answer: "),
    ] {
        let ended = outcome(&host, &worker, bytes);

        assert_failed(&ended, "retryable", message);
    }

    // And where nobody is.
    drop(worker);
    let ended = result(&host, &host.submit(order()).send());
    assert_failed(&ended, "retryable", "the worker did not answer: ");
}

fn an_answer_that_is_too_large_fails_the_order() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();
    // With its quotes.
    let largest = json!("x".repeat(RESULT_BYTES_MAX - 2)).to_string();
    let json = Some("application/json");

    let ended = outcome(&host, &worker, answer("200 OK", json, &largest));
    ended.expect_json(200);

    let ended = outcome(
        &host,
        &worker,
        answer("200 OK", json, format!("{largest} ")),
    );
    let message = "the worker's answer has 262145 bytes, and 262144 are kept at most";
    assert_failed(&ended, "permanent", message);

    let bytes = RESULT_BYTES_MAX + 1;
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{bytes:x}\r\n{}\r\n0\r\n\r\n",
        "x".repeat(bytes)
    );
    let ended = outcome(&host, &worker, chunked);
    let message = "the worker's answer has more bytes than the 262144 that are kept at most";
    assert_failed(&ended, "permanent", message);
}

fn a_redirect_is_not_followed() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("{}/elsewhere?code=s3cret", worker.origin());
        let ended = outcome(
            &host,
            &worker,
            format!(
                "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ),
        );

        let number = &status[..3];
        let message =
            format!("the worker answered with status `{number}`, and redirects are not followed");
        assert_failed(&ended, "permanent", &message);
        assert!(!ended.text().contains("s3cret"), "{}", ended.describe());
        assert!(!worker.is_asked(), "`{status}` was followed");
    }
}

fn a_refusal_that_time_may_mend_is_asked_for_again() {
    let worker = WorkerServer::start();
    let host = one_attempt(&worker).start();

    for status in [
        401, 403, 404, 405, 408, 409, 425, 429, 500, 502, 503, 504, 599,
    ] {
        let ended = outcome(&host, &worker, answer(&format!("{status} No"), None, "no"));

        let message = format!("the worker answered with status `{status}`");
        assert_failed(&ended, "retryable", &message);
    }
}

fn a_refusal_of_this_order_fails_it() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    for status in [400, 402, 406, 410, 413, 415, 422, 451] {
        let ended = outcome(&host, &worker, answer(&format!("{status} No"), None, "no"));

        let message = format!("the worker answered with status `{status}`");
        assert_failed(&ended, "permanent", &message);
    }
}

fn the_client_is_told_why_a_worker_refused() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();
    let long = "x".repeat(100_000);
    let cut = "x".repeat(500);

    for (content_type, problem, told) in [
        (
            "application/problem+json",
            json!({"title": "Out of stock", "detail": "there is no tea"}),
            ": there is no tea",
        ),
        (
            "application/problem+json; charset=utf-8",
            json!({"title": "Out of stock"}),
            ": Out of stock",
        ),
        (
            "application/problem+json",
            json!({"detail": &long[..10_000]}),
            &format!(": {cut}…"),
        ),
        // Too large to be read, and of another type.
        ("application/problem+json", json!({"detail": long}), ""),
        ("application/json", json!({"detail": "no"}), ""),
    ] {
        let bytes = answer("422 No", Some(content_type), problem.to_string());
        let ended = outcome(&host, &worker, bytes);

        let message = format!("the worker answered with status `422`{told}");
        let error = &ended.expect_json(500)["error"];
        assert_eq!(error["message"], message.as_str(), "{content_type}");
        let details = if told.is_empty() {
            Value::Null
        } else {
            problem
        };
        assert_eq!(error["details"], details, "{content_type}");
    }
}

fn a_worker_says_when_it_wants_to_be_asked_again() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();

    for (retry_after, delay_ms) in [
        ("120", 120_000),
        // An hour is the most that is obeyed.
        ("86400", 3_600_000),
        ("Wed, 01 Jan 2098 00:00:00 GMT", 3_600_000),
    ] {
        let accepted = host.submit(order()).send();
        worker.next().answer(format!(
            "HTTP/1.1 503 Down\r\nretry-after: {retry_after}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ));

        let waiting = until("the attempt to be settled", || {
            let document = host.get(status_of(&accepted)).send().expect_json(200);
            document["nextAttemptAt"].is_string().then_some(document)
        });
        let between =
            ms_of_day(&waiting["nextAttemptAt"]) + MS_PER_DAY - ms_of_day(&waiting["updatedAt"]);
        assert_eq!(between % MS_PER_DAY, delay_ms, "{retry_after}: {waiting}");
    }
}

fn a_worker_that_takes_too_long_is_left() {
    let worker = WorkerServer::start();
    let host = one_attempt(&worker)
        .variable("worker_timeout_seconds", "1")
        .start();
    let begun = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";

    for bytes in ["", begun] {
        let accepted = host.submit(order()).send();
        let mut call = worker.next();
        call.send(bytes);
        call.wait_until_closed();

        let ended = result(&host, &accepted);
        assert_failed(&ended, "retryable", "the worker did not answer within 1 s");
    }
}

fn no_limit_of_the_host_cuts_a_worker_off() {
    let worker = WorkerServer::start();
    let host = one_attempt(&worker)
        .shim_limits("outbound_response_seconds = 1")
        .start();
    let accepted = host.submit(order()).send();
    // Longer than the limit, as the host itself counts.
    let outlast_the_limit = || {
        let status = host.get(status_of(&accepted)).header("prefer", "wait=2");
        assert_eq!(status.send().expect_json(200)["status"], "processing");
    };

    let mut call = worker.next();
    outlast_the_limit();
    call.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n1");
    outlast_the_limit();
    call.answer("2");

    assert_eq!(result(&host, &accepted).expect_json(200)["result"], 12);
}

fn a_cancelled_order_leaves_its_worker() {
    let worker = WorkerServer::start();
    let host = worker
        .setup()
        .variable("lease_seconds", "3")
        .variable("progress_seconds", "1")
        .start();
    let begun = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";

    for bytes in ["", begun] {
        let accepted = host.submit(order()).send();
        let mut call = worker.next();
        call.send(bytes);

        let cancelled = host.request("DELETE", status_of(&accepted)).send();

        assert_eq!(cancelled.expect_json(200)["status"], "cancelled");
        call.wait_until_closed();
    }
}

fn the_workers_token_is_told_to_the_worker_alone() {
    let worker = WorkerServer::start();
    let host = one_attempt(&worker)
        .variable("worker_token", "t0ken-of-the-worker")
        .environment("RUST_LOG", "debug")
        .start();
    let problem = json!({"detail": "`t0ken-of-the-worker` is not known here"}).to_string();

    for bytes in [
        answer("401 No", Some("application/problem+json"), problem),
        b"HTTP/1.1 t0ken-of-the-worker\r\n\r\n".to_vec(),
    ] {
        let ended = outcome(&host, &worker, bytes);

        assert_eq!(ended.expect_json(500)["error"]["code"], "retryable");
        assert!(!ended.text().contains("t0ken"), "{}", ended.describe());
    }
    let said = host.output().lines_with("t0ken");
    assert_eq!(said, Vec::<String>::new());
}

/// The settings of a host whose orders have one attempt, so that what would be tried again fails.
fn one_attempt(worker: &WorkerServer) -> Setup {
    worker.setup().variable("max_attempts", "1")
}

/// Submits an order, has the worker give `answer`, and returns what the client gets in the end.
fn outcome(host: &Host, worker: &WorkerServer, answer: impl AsRef<[u8]>) -> Response {
    let accepted = host.submit(order()).send();
    worker.next().answer(answer);
    result(host, &accepted)
}

/// What the client of an accepted order gets when it has ended.
fn result(host: &Host, accepted: &Response) -> Response {
    let status = until("the order to end", || {
        let status = host.get(status_of(accepted)).header("prefer", "wait=10");
        let status = status.send();
        (status.status != 200).then_some(status)
    });
    status.expect_status(303);
    let location = status.header("location").expect("a 303 has a location");
    host.get(location).send()
}

fn status_of(accepted: &Response) -> &str {
    accepted.header("location").expect("a 202 has a location")
}

/// An answer with its length.
fn answer(status: &str, content_type: Option<&str>, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let content_type = content_type.map(|value| format!("content-type: {value}\r\n"));
    let head = format!(
        "HTTP/1.1 {status}\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
        content_type.unwrap_or_default(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[track_caller]
fn assert_failed(ended: &Response, code: &str, message: &str) {
    let error = &ended.expect_json(500)["error"];
    assert_eq!(error["code"], code, "{error}");
    let found = error["message"].as_str().expect("an error has a message");
    assert!(found.starts_with(message), "expected `{message}`: {error}");
}

const MS_PER_DAY: u64 = 86_400_000;

/// The time of day that a timestamp tells, as `2026-11-22T09:00:17.250Z`.
fn ms_of_day(timestamp: &Value) -> u64 {
    let text = timestamp.as_str().expect("a timestamp is a string");
    let part = |range: std::ops::Range<usize>| -> u64 {
        text[range].parse().expect("a part of a time is a number")
    };
    ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * 1000 + part(20..23)
}
