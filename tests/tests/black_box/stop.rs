//! SIGTERM: requests are finished, running attempts are drained or handed back, nothing is lost.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::{Host, RawConnection, Setup, Test, order, order_that, tests, together, uuid_in};

/// Why Spin is not asked: it ends at once.
pub(crate) const TESTS: &[Test] = tests![
    "Spin ends at once on SIGTERM": an_idle_host_ends_with_exit_code_0,
    "Spin ends at once on SIGTERM": a_request_that_has_begun_is_finished,
    "Spin ends at once on SIGTERM": what_is_held_is_answered_at_once,
    "Spin ends at once on SIGTERM": a_host_that_has_not_begun_ends_in_order,
    "Spin ends at once on SIGTERM": no_connection_is_accepted_any_more,
    "Spin ends at once on SIGTERM": a_running_attempt_is_drained,
    "Spin ends at once on SIGTERM": an_attempt_that_outlasts_the_drain_is_handed_back_and_not_counted,
    "Spin ends at once on SIGTERM": no_accepted_order_is_lost_in_a_stop_under_load,
];

fn an_idle_host_ends_with_exit_code_0() {
    let host = Setup::new().start();

    host.terminate();

    assert_eq!(host.wait().code(), Some(0));
}

fn a_request_that_has_begun_is_finished() {
    let mut host = Setup::controlled().start();
    let order = order_that(&json!({"ms": 0}));
    let (first, rest) = order.split_at(10);
    let mut connection = RawConnection::open(&host);
    connection.send(format!(
        "POST /orders HTTP/1.1\r\nhost: orders\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        order.len()
    ));
    // The host has begun with the request when it asks for the body.
    let head = connection.read_head();
    assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
    connection.send(first);

    host.terminate();
    host.output()
        .wait_for("the host to say that it stops", |line| {
            line.contains("stopping").then_some(())
        });
    connection.send(rest);

    let answer = connection.read_to_end();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(host.wait().code(), Some(0));
    let id = answer
        .split("/orders/status/")
        .nth(1)
        .and_then(|rest| rest.get(..36))
        .expect("a 202 has a location");
    host.restart();
    let status = host.get(&format!("/orders/status/{id}")).send().status;
    assert!([200, 303].contains(&status), "{status}");
}

fn what_is_held_is_answered_at_once() {
    let host = Setup::controlled()
        .variable("max_attempts", "1000")
        .runtime_config("[limits]\nwaiters_max = 2\n")
        .start();
    // No attempt of it runs for long, so that none is drained.
    let id = uuid_in(
        &host
            .submit(order_that(&json!({"ms": 0, "outcome": "retry:1000"})))
            .send(),
    );
    let hold = |header: &str| {
        let mut connection = RawConnection::open(&host);
        connection.send(format!(
            "GET /orders/status/{id} HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n"
        ));
        connection
    };
    let mut stream = hold("accept: text/event-stream");
    stream.read_until("event: status");
    // Whoever comes first has the second place, so this is tried until it is this wait.
    let mut wait = tests::until("the wait to have begun", || {
        let wait = hold("prefer: wait=60");
        host.get("/healthz").send().expect_status(200);
        let path = format!("/orders/status/{id}");
        let answer = host.get(&path).header("prefer", "wait=1").send();
        (answer.status == 503).then_some(wait)
    });

    let told = Instant::now();
    host.terminate();

    let answer = wait.read_to_end();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    let rest = stream.read_to_end();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    assert_eq!(host.wait().code(), Some(0));
    // It would have drained for 20 s.
    assert!(
        told.elapsed() < Duration::from_secs(10),
        "{:?}",
        told.elapsed()
    );
}

/// The first process of a container is not ended by a signal that it does not catch.
fn a_host_that_has_not_begun_ends_in_order() {
    for ms in [0, 50, 150, 300] {
        let host = Setup::new().begin();
        tests::until("the host to catch SIGTERM", || {
            catches_sigterm(&host).then_some(())
        });
        std::thread::sleep(Duration::from_millis(ms));

        host.terminate();

        assert_eq!(host.wait().code(), Some(0), "after {ms} ms");
        // It catches the signal before it has anything to stop.
        assert!(ms > 0 || host.output().text().contains("before anything has begun"));
    }
}

fn catches_sigterm(host: &Host) -> bool {
    const SIGTERM: u32 = 15;
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.process_id()));
    let status = status.unwrap_or_default();
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << (SIGTERM - 1)) != 0)
}

fn no_connection_is_accepted_any_more() {
    let host = Setup::controlled().start();
    let id = start_attempt(&host, 3000);

    host.terminate();

    tests::until("the host to refuse connections", || {
        std::net::TcpStream::connect(host.address()).err()
    });
    assert_eq!(host.wait().code(), Some(0), "order `{id}`");
}

fn a_running_attempt_is_drained() {
    let mut host = Setup::controlled().start();
    let id = start_attempt(&host, 3000);

    host.terminate();

    assert_eq!(host.wait().code(), Some(0));
    host.restart();
    host.get(&format!("/orders/status/{id}"))
        .send()
        .expect_status(303);
    assert_eq!(
        host.get(&format!("/orders/{id}")).send().expect_json(200)["status"],
        "completed"
    );
}

fn an_attempt_that_outlasts_the_drain_is_handed_back_and_not_counted() {
    let config = "[processor]\ntype = \"in-process\"\ndrain_seconds = 1\n";
    let mut host = Setup::controlled().runtime_config(config).start();
    let id = start_attempt(&host, 600_000);

    host.terminate();

    assert_eq!(host.wait().code(), Some(0));
    host.restart();
    let document = host
        .get(&format!("/orders/status/{id}"))
        .send()
        .expect_json(200);
    let again = document["status"] == "processing";
    assert!(again || document["status"] == "pending", "{document}");
    // Handed back it counts for nothing, so that an attempt after it is the first.
    assert_eq!(document["attempt"], u64::from(again), "{document}");
}

fn no_accepted_order_is_lost_in_a_stop_under_load() {
    let mut host = Setup::controlled().start();
    let order = order_that(&json!({"ms": 500}));
    let accepted = together(8, |thread| {
        let mut ids = Vec::new();
        while let Ok(answer) = host.submit(&order).try_send() {
            // Whatever is not accepted is refused whole, to be tried again elsewhere.
            if answer.status == 503 {
                break;
            }
            ids.push(uuid_in(&answer));
            if thread == 0 && ids.len() == 20 {
                host.terminate();
            }
        }
        ids
    })
    .concat();
    assert_eq!(host.wait().code(), Some(0));

    host.restart();

    for id in &accepted {
        let answer = host.get(&format!("/orders/status/{id}")).send();
        assert!([200, 303].contains(&answer.status), "{}", answer.describe());
    }
}

/// Submits an order and waits until its work runs.
fn start_attempt(host: &Host, ms: u64) -> String {
    let order = if ms == 0 {
        order()
    } else {
        order_that(&json!({"ms": ms}))
    };
    let id = uuid_in(&host.submit(order).send());
    tests::until("an order to be processed", || {
        let document = host.get(&format!("/orders/status/{id}")).send().json();
        (document["status"] == "processing").then_some(())
    });
    id
}
