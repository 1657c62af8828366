//! The trace of an order: what the client sends of it reaches the server that does the work.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use tests::{Setup, Test, order, poll_to_the_end, tests};

pub(crate) const TESTS: &[Test] = tests![the_trace_of_an_order_reaches_its_worker];

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn the_trace_of_an_order_reaches_its_worker() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let worker = format!("http://{address}");
    let heads = thread::spawn(move || [(); 2].map(|()| answer_one(&listener)));
    let host = Setup::new()
        .variable("work", "http")
        .variable("worker_url", &worker)
        .variable("worker_origin", &worker)
        .start();
    let longest = format!("shop={}", "4".repeat(8192 - 5));

    // One after the other, so that the worker gets them in this order.
    for (state, baggage) in [
        ("vendor=1", longest.as_str()),
        (&"v=1,".repeat(129), &format!("{longest}2")),
    ] {
        let accepted = host
            .submit(order())
            .header("traceparent", TRACEPARENT)
            .header("tracestate", state)
            .header("tracestate", "other=2")
            .header("baggage", baggage)
            .send();
        accepted.expect_status(202);
        let status = accepted.header("location").expect("a 202 has a location");
        poll_to_the_end(&host, status);
    }

    let [kept, too_long] = heads.join().expect("the worker answers");
    for head in [&kept, &too_long] {
        let parent = format!("traceparent: {TRACEPARENT}\r\n");
        assert!(head.contains(&parent), "{head}");
    }
    assert!(kept.contains("tracestate: vendor=1, other=2\r\n"), "{kept}");
    assert!(kept.contains(&format!("baggage: {longest}\r\n")), "{kept}");
    for dropped in ["tracestate:", "baggage:"] {
        assert!(!too_long.contains(dropped), "{too_long}");
    }
}

/// Answers one request with nothing, and returns its head.
fn answer_one(listener: &TcpListener) -> String {
    let (mut connection, _) = listener.accept().expect("the processor connects");
    let head = read_request(&mut connection);
    connection
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("the processor takes the answer");
    head
}

/// Reads the head of a request, and its body by the length that the head tells.
fn read_request(connection: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then_some(value)
            });
            // Our components tell it.
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return format!("{head}\r\n");
            }
        }
        let bytes = connection.read(&mut buffer).expect("the processor sends");
        assert!(bytes > 0, "the request broke off after `{text}`");
        received.extend_from_slice(&buffer[..bytes]);
    }
}
