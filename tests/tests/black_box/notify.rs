//! Notifications: who is to be told of an order's end is told of it, at least once, by a message that an
//! independent implementation of Standard Webhooks verifies.
//!
//! `docs/notifications.md` promises this to whoever receives them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tests::{
    Host, Setup, StoredRecord, Test, WorkerCall, WorkerServer, assert_problem, order, order_that,
    pause, tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    a_receiver_is_told_how_each_order_ended_and_can_verify_it,
    a_receiver_that_is_down_at_first_hears_of_every_order_in_the_end,
    a_receiver_that_nobody_reaches_is_tried_again,
    a_host_that_dies_leaves_its_ends_to_be_told,
    a_receiver_that_wants_no_more_is_left_alone,
    a_redirect_is_no_delivery,
    a_receiver_that_takes_too_long_is_left,
    a_client_names_whom_to_tell_where_that_is_allowed,
    while_secrets_are_replaced_both_sign,
    a_secret_is_told_to_nobody,
    without_a_secret_nobody_is_told_of,
];

const SECRET: &str = "whsec_c2VjcmV0cyBvZiB0ZXN0cyBhcmUgbm9uZSE=";
const OTHER_SECRET: &str = "whsec_YW5vdGhlciBzZWNyZXQgdGhhdCBpcyBub25lIQ==";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn a_receiver_is_told_how_each_order_ended_and_can_verify_it() {
    let receiver = WorkerServer::start();
    let host = receiver
        .notified(SECRET)
        .variable("public_url", "https://shop.example/api/")
        .start();

    let completed = submit(&host, &json!({"ms": 0}));
    let event = told(&receiver, "204 No Content");
    assert_eq!(event["id"], format!("order_{completed}"));
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "order.completed");
    assert_eq!(event["source"], "https://shop.example/api/orders");
    assert_eq!(event["subject"], completed.as_str());
    assert_eq!(event["datacontenttype"], "application/json");
    let links = json!({
        "status": format!("https://shop.example/api/orders/status/{completed}"),
        "result": format!("https://shop.example/api/orders/{completed}"),
    });
    let data = json!({"id": completed, "status": "completed", "links": links});
    assert_eq!(event["data"], data);
    let result = host.get(&format!("/orders/{completed}")).send();
    let completed_at = &result.expect_json(200)["order"]["completedAt"];
    assert_eq!(&event["time"], completed_at);

    let failed = submit(&host, &json!({"ms": 0, "outcome": "fail"}));
    let event = told(&receiver, "200 OK");
    assert_eq!(event["type"], "order.failed");
    let result = host.get(&format!("/orders/{failed}")).send();
    assert_eq!(event["data"]["error"], result.expect_json(500)["error"]);

    let cancelled = submit(&host, &json!({"ms": 600_000}));
    let path = format!("/orders/status/{cancelled}");
    host.request("DELETE", &path).send().expect_status(200);
    let event = told(&receiver, "202 Accepted");
    assert_eq!(event["type"], "order.cancelled");
    assert_eq!(event["data"]["id"], cancelled.as_str());

    for id in [completed, failed, cancelled] {
        let notification = settled(&host, &id);
        assert_eq!(notification["outcome"], "delivered");
        assert_eq!(notification["deliveries"], 1);
    }
    assert_moved(&host);
}

/// As a receiver that restarts, or is behind a gateway whose back end does.
fn a_receiver_that_is_down_at_first_hears_of_every_order_in_the_end() {
    const ORDERS: usize = 30;
    let receiver = WorkerServer::start();
    let host = receiver.notified(SECRET).start();
    let ids: BTreeSet<_> = (0..ORDERS)
        .map(|_| format!("order_{}", submit(&host, &json!({"ms": 0}))))
        .collect();

    let mut refused = BTreeSet::new();
    while refused != ids {
        let call = receiver.next();
        refused.insert(verified(&call));
        call.answer("HTTP/1.1 503 Down\r\nretry-after: 1\r\nconnection: close\r\n\r\n");
    }
    let mut heard = BTreeMap::<_, u32>::new();
    until("every order to be told of", || {
        while let Some(call) = receiver.next_now() {
            *heard.entry(verified(&call)).or_default() += 1;
            call.answer(answer("204 No Content"));
        }
        // So that sweeps are asked for on every host.
        host.get("/readyz").send();
        (heard.len() == ORDERS).then_some(())
    });

    for id in &ids {
        assert_eq!(heard.get(id), Some(&1), "`{id}` is told once");
        let id = id.strip_prefix("order_").expect("it is named so");
        let notification = settled(&host, id);
        assert_eq!(notification["outcome"], "delivered");
        assert!(notification["deliveries"].as_u64() >= Some(2));
    }
    assert_moved(&host);
    assert!(!receiver.is_asked());
}

fn a_receiver_that_nobody_reaches_is_tried_again() {
    let receiver = WorkerServer::start();
    let address = receiver.address();
    let host = receiver.notified(SECRET).start();
    drop(receiver);

    let id = submit(&host, &json!({"ms": 0}));
    until("a delivery to fail", || {
        let notification = notification(&host, &id)?;
        let failed = notification["deliveries"] == 1 && notification["nextDeliveryAt"].is_string();
        failed.then_some(())
    });
    let receiver = WorkerServer::at(address);

    let event = told_soon(&host, &receiver);
    assert_eq!(event["data"]["id"], id.as_str());
    assert_eq!(settled(&host, &id)["outcome"], "delivered");
}

fn a_host_that_dies_leaves_its_ends_to_be_told() {
    let receiver = WorkerServer::start();
    let mut host = receiver.notified(SECRET).start();
    let id = submit(&host, &json!({"ms": 0}));

    // While it delivers: nobody knows what becomes of it.
    let call = receiver.next();
    let path = format!("/orders/status/{id}");
    host.get(&path).send().expect_status(303);
    host.kill();
    drop(call);
    host.restart();

    let event = told_soon(&host, &receiver);
    assert_eq!(event["type"], "order.completed");
    assert_eq!(settled(&host, &id)["deliveries"], 2);
    assert_moved(&host);
}

fn a_receiver_that_wants_no_more_is_left_alone() {
    let receiver = WorkerServer::start();
    let host = receiver.notified(SECRET).start();
    let id = submit(&host, &json!({"ms": 0}));

    receiver.next().answer(answer("410 Gone"));

    let notification = settled(&host, &id);
    assert_eq!(notification["outcome"], "gone");
    assert_eq!(notification["lastStatus"], 410);
    assert_moved(&host);
}

fn a_redirect_is_no_delivery() {
    let receiver = WorkerServer::start();
    let elsewhere = WorkerServer::start();
    let host = receiver.notified(SECRET).start();
    let id = submit(&host, &json!({"ms": 0}));

    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        elsewhere.origin()
    );
    receiver.next().answer(redirect);

    let notification = until("the redirect to be noted", || {
        notification(&host, &id).filter(|it| it["lastStatus"] == 307)
    });
    assert!(notification["nextDeliveryAt"].is_string());
    assert_eq!(told_soon(&host, &receiver)["data"]["id"], id.as_str());
    assert!(!elsewhere.is_asked());
}

fn a_receiver_that_takes_too_long_is_left() {
    let receiver = WorkerServer::start();
    let host = receiver.notified(SECRET).start();
    let id = submit(&host, &json!({"ms": 0}));

    receiver.next().wait_until_closed();

    assert_eq!(told_soon(&host, &receiver)["data"]["id"], id.as_str());
    assert_eq!(settled(&host, &id)["deliveries"], 2);
}

fn a_client_names_whom_to_tell_where_that_is_allowed() {
    let receiver = WorkerServer::start();
    let named = format!("{}/named/by?the=client", receiver.origin());
    let host = Setup::controlled()
        .variable("notify_origin", &receiver.origin())
        .variable(
            "notify_origins",
            &format!("https://a.example, {}", receiver.origin()),
        )
        .variable("notify_secret", SECRET)
        .start();
    let submit = |host: &Host, url: &str| {
        let order = order_that(&json!({"ms": 0}));
        host.submit(order).header("notify-url", url).send()
    };

    let id = uuid_in(&submit(&host, &named));
    let call = receiver.next();
    assert_eq!(call.line(), "POST /named/by?the=client HTTP/1.1");
    assert_eq!(verified(&call), format!("order_{id}"));
    call.answer(answer("204 No Content"));
    assert_eq!(settled(&host, &id)["outcome"], "delivered");

    for url in [
        "http://127.0.0.1:1/",
        "https://a.example.evil.example/",
        "https://a.example@evil.example/",
        "https://a.example/#a",
        "ftp://a.example/",
        "",
    ] {
        assert_problem(&submit(&host, url), 400, "invalid-notify-url");
    }
    let nowhere = submit(Host::shared(), "https://a.example/");
    assert_problem(&nowhere, 400, "invalid-notify-url");
    let twice = host.submit(order()).header("notify-url", &named);
    let twice = twice.header("notify-url", &named).send();
    assert_problem(&twice, 400, "repeated-header");

    // Who names nobody is not told of, if the service tells nobody by itself.
    let silent = uuid_in(&host.submit(order_that(&json!({"ms": 0}))).send());
    let ended = host.get(&format!("/orders/status/{silent}"));
    let ended = ended.header("prefer", "wait=20").send().expect_json(303);
    assert_eq!(ended.get("notification"), None);
    assert!(!receiver.is_asked());
}

fn while_secrets_are_replaced_both_sign() {
    let receiver = WorkerServer::start();
    let host = receiver
        .notified(&format!("{SECRET} {OTHER_SECRET}"))
        .start();
    submit(&host, &json!({"ms": 0}));

    let call = receiver.next();
    for secret in [SECRET, OTHER_SECRET] {
        verify(&call, secret).expect("either secret verifies");
    }
    let unknown = "whsec_bm9ib2R5IGtub3dzIHRoaXMgb25lIGhlcmU=";
    assert!(verify(&call, unknown).is_err());
    call.answer(answer("204 No Content"));
}

fn a_secret_is_told_to_nobody() {
    let receiver = WorkerServer::start();
    let host = receiver
        .notified(SECRET)
        .environment("RUST_LOG", "debug")
        .start();
    let order = order_that(&json!({"ms": 0}));
    let accepted = host.submit(order).header("traceparent", TRACEPARENT);
    let id = uuid_in(&accepted.header("baggage", "of=insiders").send());

    let call = receiver.next();
    assert_eq!(call.header("traceparent"), Some(TRACEPARENT));
    assert_eq!(call.header("baggage"), None);
    call.answer(answer("500 Internal Server Error"));
    until("the failure to be noted", || {
        notification(&host, &id).filter(|it| it["lastStatus"] == 500)
    });

    let listed = host.get("/orders").send();
    let configz = host.get("/configz").send();
    for secret in [&SECRET["whsec_".len()..], "of=shop"] {
        assert_eq!(host.output().lines_with(secret), Vec::<String>::new());
        assert!(!listed.text().contains(secret), "{}", listed.describe());
        assert!(!configz.text().contains(secret), "{}", configz.describe());
    }
}

fn without_a_secret_nobody_is_told_of() {
    for (variable, value) in [
        ("notify_url", "https://shop.example/hook"),
        ("notify_origins", "https://shop.example"),
        ("notify_secret", "s3cret"),
    ] {
        let host = Setup::new().variable(variable, value);
        let message = match tests::HostKind::current() {
            tests::HostKind::Shim => host.start_refused().message,
            // It asks no component before it serves.
            tests::HostKind::Spin => {
                let host = host.start();
                assert_problem(&host.submit(order()).send(), 503, "misconfigured")["faults"]
                    .to_string()
            }
        };
        assert!(message.contains("`notify_secret` must be"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}

fn submit(host: &Host, simulate: &Value) -> String {
    uuid_in(&host.submit(order_that(simulate)).send())
}

/// The event that the receiver gets next, verified; it answers with `status`.
fn told(receiver: &WorkerServer, status: &str) -> Value {
    let call = receiver.next();
    assert_eq!(call.line(), "POST /hook?of=shop HTTP/1.1");
    accept(call, status)
}

/// The same while somebody asks the host for sweeps, as one must on Spin.
fn told_soon(host: &Host, receiver: &WorkerServer) -> Value {
    let call = until("another delivery", || {
        host.get("/readyz").send();
        receiver.next_now()
    });
    accept(call, "204 No Content")
}

fn accept(call: WorkerCall, status: &str) -> Value {
    let id = verified(&call);
    let event: Value = serde_json::from_slice(call.body()).expect("an event is JSON");
    assert_eq!(event["id"], id, "the message's id is the event's");
    call.answer(answer(status));
    event
}

/// The id of a message that is signed as it must be.
fn verified(call: &WorkerCall) -> String {
    let content_type = call.header("content-type").expect("an event has a type");
    let essence = content_type.split(';').next();
    assert_eq!(essence, Some("application/cloudevents+json"));
    verify(call, SECRET).unwrap_or_else(|error| panic!("it is not signed: {error}"));
    let id = call.header("webhook-id").expect("it is verified");
    id.to_owned()
}

/// As a receiver does it, by the library that Standard Webhooks has for that.
fn verify(call: &WorkerCall, secret: &str) -> Result<(), standardwebhooks::WebhookError> {
    let mut headers = ureq::http::HeaderMap::new();
    for (name, value) in call.headers() {
        let name: ureq::http::HeaderName = name.parse().expect("a header's name");
        headers.append(name, value.parse().expect("a header's value"));
    }
    Webhook::new(secret)?.verify(call.body(), &headers)
}

fn answer(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .replace("204 No Content\r\ncontent-length: 0", "204 No Content")
}

/// What the list says of an order's notification.
fn notification(host: &Host, id: &str) -> Option<Value> {
    let page = host.get("/orders?limit=100").send().expect_json(200);
    let orders = page["orders"].as_array().expect("a page has orders");
    let order = orders.iter().find(|order| order["id"] == id)?;
    order.get("notification").cloned()
}

/// The same once nothing more is to be told.
fn settled(host: &Host, id: &str) -> Value {
    until("the notification to be settled", || {
        notification(host, id).filter(|it| it["outcome"].is_string())
    })
}

/// Nothing is left among the open orders, for long.
fn assert_moved(host: &Host) {
    until("all that is told to be moved", || {
        host.get("/readyz").send();
        let kept = tests::Kept::in_state_dir(host.state_dir());
        let records: Vec<StoredRecord> = kept.records();
        if kept.unmoved().is_empty() && records.iter().all(StoredRecord::has_ended) {
            return Some(());
        }
        pause(Duration::from_millis(200), "a sweep");
        None
    });
}
