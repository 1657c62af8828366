//! Work that takes all the machine has does not take the service from others.

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::{
    Host, RawConnection, Setup, Test, order, order_that, poll_to_the_end, retry_after_seconds,
    tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    statuses_are_answered_while_work_burns_every_core,
    "the limits of a host are its own": one_client_cannot_take_all_connections,
    "the limits of a host are its own": one_client_cannot_have_all_places_for_those_who_wait,
    "the limits of a host are its own": a_wait_that_is_abandoned_frees_its_place,
    "the limits of a host are its own": no_client_waits_behind_all_that_another_sends
        (wasi03 "on WASI 0.2 requests do not wait for an instance: they are refused"),
    "the limits of a host are its own": a_client_that_reads_nothing_is_let_go,
    "Spin has no setting for how many instances there may be": requests_beyond_the_instances_are_refused_until_one_is_free
        [wasi02 "an instance serves many requests"],
];

fn statuses_are_answered_while_work_burns_every_core() {
    let cores = available_parallelism()
        .expect("the number of cores is known")
        .get();
    let host = Setup::controlled().start();
    let burning: Vec<String> = (0..cores * 2).map(|_| submit(&host, "spin:5000")).collect();
    for path in &burning {
        until("an order to be processed", || {
            let document = host.get(path).send().json();
            // One that has already ended was processed too.
            (document["status"] != "pending").then_some(())
        });
    }
    let watched = submit(&host, "complete");

    // Each pass goes through all orders, and what was open after the last pass was open during it.
    let mut answered_while_burning = 0;
    while burning
        .iter()
        .any(|path| host.get(path).send().status == 200)
    {
        for path in burning.iter().chain([&watched]) {
            let answer = host.get(path).send();
            assert!([200, 303].contains(&answer.status), "{}", answer.describe());
            if answer.status == 200 {
                retry_after_seconds(&answer);
                answered_while_burning += 1;
            }
        }
    }

    // A host that is starved answers when the burning is over: how often one answers meanwhile is the
    // machine's affair.
    assert!(
        answered_while_burning > burning.len() * 2,
        "expected statuses while cores burn, found {answered_while_burning}"
    );
    for path in burning.iter().chain([&watched]) {
        poll_to_the_end(&host, path);
    }
}

fn requests_beyond_the_instances_are_refused_until_one_is_free() {
    let host = Setup::controlled()
        .runtime_config("[limits]\ninstances_max = 4\n")
        .start();
    // Larger than what the host gathers before an instance sees it.
    let order = format!("{}{}", order(), " ".repeat(200 * 1024));
    // Half of the instances are for requests, and each of these has one.
    let mut submissions = [(); 2].map(|()| {
        // What the host asks at its start may still have one.
        until("an instance to ask for the body", || {
            let mut connection = RawConnection::open(&host);
            connection.send(format!(
                "POST /orders HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\
                 content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
                order.len()
            ));
            let head = connection.read_head();
            head.starts_with("HTTP/1.1 100 ").then_some(connection)
        })
    });

    let refused = host.get("/openapi.json").send();
    refused.expect_status(503);
    retry_after_seconds(&refused);
    // A host that is only busy is not to be restarted for it.
    let alive = host.get("/healthz").send().expect_json(200);
    assert_eq!(alive, json!({"status": "alive", "guest": "busy"}));

    for submission in &mut submissions {
        submission.send(&order);
        let answer = submission.read_to_end();
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
    until("an instance to be free", || {
        (host.get("/openapi.json").send().status == 200).then_some(())
    });
}

fn no_client_waits_behind_all_that_another_sends() {
    // Half of the instances are for requests.
    let host = Setup::controlled()
        .with_metrics()
        .runtime_config(
            "[proxy]\ntrusted = [\"127.0.0.0/8\"]\n[limits]\ninstances_max = 2\ninstance_requests_max = 1\n",
        )
        .start();
    let order = order();
    let submission = |client: &str, bytes: usize| {
        format!(
            "POST /orders HTTP/1.1\r\nhost: orders\r\nconnection: close\r\nx-forwarded-for: {client}\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {bytes}\r\n\r\n",
        )
    };
    // Larger than what the host gathers before an instance sees it.
    let slow = format!("{order}{}", " ".repeat(200 * 1024));
    let mut occupant = RawConnection::open(&host);
    occupant.send(submission("192.0.2.9", slow.len()));
    let head = occupant.read_head();
    assert!(head.starts_with("HTTP/1.1 100 "), "{head}");

    let mut clients = ["192.0.2.1"; 20].to_vec();
    clients.push("192.0.2.2");
    let mut waiting: Vec<_> = (1..)
        .zip(clients)
        .map(|(number, client)| {
            let mut connection = RawConnection::open(&host);
            connection.send(submission(client, order.len()) + &order);
            until("the submission to be under way", || {
                let (_, metrics) = host.get_admin("/metrics");
                let active = format!("http_server_active_requests {}\n", number + 1);
                metrics.contains(&active).then_some(())
            });
            connection
        })
        .collect();
    occupant.send(&slow);

    // Ids are in the order in which submissions were taken up, but for those of the same millisecond.
    let mut ids: Vec<_> = waiting
        .iter_mut()
        .map(|connection| {
            let answer = connection.read_to_end();
            assert!(answer.contains("HTTP/1.1 202 "), "{answer}");
            let (_, path) = answer.split_once("/orders/status/").expect("a location");
            path[..36].to_owned()
        })
        .collect();
    let other = ids.pop().expect("the other client's");
    let later = ids.iter().filter(|id| **id > other).count();
    assert!(
        later >= 10,
        "of the first client's 20 submissions {later} were taken up after the other's"
    );
}

fn one_client_cannot_take_all_connections() {
    let host = Setup::new()
        .runtime_config("[limits]\npeer_connections_max = 2\n")
        .start();
    let health = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut connections = [(); 2].map(|()| {
        let mut connection = RawConnection::open(&host);
        connection.send(health);
        connection.read_head();
        connection
    });

    let refused = RawConnection::open(&host).read_to_end();
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");

    // Those that are open are served as ever, and make room when they are closed.
    for connection in &mut connections {
        connection.send(health);
        let head = connection.read_head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
    drop(connections);
    until("a connection to be let in", || {
        let mut connection = RawConnection::open(&host);
        connection.try_send(health).ok()?;
        let answer = connection.try_read_head()?;
        answer.starts_with("HTTP/1.1 200 ").then_some(())
    });
}

fn one_client_cannot_have_all_places_for_those_who_wait() {
    let host = Setup::controlled()
        .runtime_config("[proxy]\ntrusted = [\"127.0.0.0/8\"]\n[limits]\npeer_waiters_max = 1\n")
        .start();
    let path = submit_open(&host);
    let wait = |client: &str| {
        let mut connection = RawConnection::open(&host);
        connection.send(format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\nx-forwarded-for: {client}\r\n\r\n"
        ));
        let head = connection.read_head();
        (connection, head)
    };

    let (_first, taken) = wait("192.0.2.1");
    assert!(taken.starts_with("HTTP/1.1 200 "), "{taken}");
    let (_second, refused) = wait("192.0.2.1");
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    // A client that says who it is not is known by what the proxy heard.
    let (_third, refused) = wait("192.0.2.9, 192.0.2.1");
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    let (_fourth, other) = wait("192.0.2.2");
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
}

fn a_wait_that_is_abandoned_frees_its_place() {
    let host = Setup::controlled()
        .runtime_config("[limits]\nwaiters_max = 1\n")
        .start();
    let path = submit_open(&host);
    for header in ["prefer: wait=60", "accept: text/event-stream"] {
        // Whoever comes first has the place, so this is tried until it is this connection.
        let connection = until("the place to be taken", || {
            let mut connection = RawConnection::open(&host);
            connection.send(format!(
                "GET {path} HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n"
            ));
            host.get("/healthz").send().expect_status(200);
            let answer = host.get(&path).header("prefer", "wait=1").send();
            (answer.status == 503).then_some(connection)
        });

        let left = Instant::now();
        drop(connection);

        until("the place to be free", || {
            let answer = host.get(&path).header("prefer", "wait=1").send();
            (answer.status == 200).then_some(())
        });
        // It would have been taken for a minute.
        assert!(left.elapsed() < Duration::from_secs(20), "`{header}`");
    }
}

fn a_client_that_reads_nothing_is_let_go() {
    let host = Setup::controlled()
        .runtime_config("[limits]\nwrite_seconds_max = 1\npeer_connections_max = 1\n")
        .start();
    let mut connection = RawConnection::open(&host);
    // The answers are far more than the systems on both ends keep for somebody who does not read.
    let request = "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100);
    while connection.try_send(&request).is_ok() {}

    until("the connection to be closed", || {
        let mut other = RawConnection::open(&host);
        other
            .try_send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
            .ok()?;
        let answer = other.try_read_head()?;
        answer.starts_with("HTTP/1.1 200 ").then_some(())
    });
}

/// Submits an order that stays open and returns the path of its status.
fn submit_open(host: &Host) -> String {
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    format!("/orders/status/{id}")
}

/// Submits an order and returns the path of its status.
fn submit(host: &Host, outcome: &str) -> String {
    let id = uuid_in(
        &host
            .submit(order_that(&json!({"ms": 0, "outcome": outcome})))
            .send(),
    );
    format!("/orders/status/{id}")
}
