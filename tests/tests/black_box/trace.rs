//! The trace of an order: what the client sends of it reaches the server that does the work.

use tests::{Test, WorkerCall, WorkerServer, order, tests};

pub(crate) const TESTS: &[Test] = tests![the_trace_of_an_order_reaches_its_worker];

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn the_trace_of_an_order_reaches_its_worker() {
    let worker = WorkerServer::start();
    let host = worker.setup().start();
    let longest = format!("shop={}", "4".repeat(8192 - 5));

    let call_of = |state: &str, baggage: &str| -> WorkerCall {
        let accepted = host
            .submit(order())
            .header("traceparent", TRACEPARENT)
            .header("tracestate", state)
            .header("tracestate", "other=2")
            .header("baggage", baggage)
            .send();
        accepted.expect_status(202);
        worker.next()
    };

    let kept = call_of("vendor=1", &longest);
    let too_long = call_of(&"v=1,".repeat(129), &format!("{longest}2"));

    for call in [&kept, &too_long] {
        assert_eq!(call.header("traceparent"), Some(TRACEPARENT));
    }
    assert_eq!(kept.header("tracestate"), Some("vendor=1, other=2"));
    assert_eq!(kept.header("baggage"), Some(longest.as_str()));
    for dropped in ["tracestate", "baggage"] {
        assert_eq!(too_long.header(dropped), None);
    }
}
