//! The processor is private: no request from outside reaches it, whatever it claims to be for.

use serde_json::json;
use tests::{Host, HostKind, RawConnection, Test, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    private_routes_are_not_there_from_outside,
    a_forged_host_header_does_not_lead_to_the_processor,
    an_absolute_target_does_not_lead_to_the_processor,
];

/// The name by which components reach the processor.
const PROCESSOR: &str = "processor.spin.internal";

fn private_routes_are_not_there_from_outside() {
    assert_undisturbed(|host, id| {
        host.request("POST", &format!("/orders/{id}"))
            .send()
            .expect_status(405);
        host.request("POST", &format!("/release/{id}"))
            .send()
            .expect_status(404);
        host.request("POST", "/sweep").send().expect_status(404);
        host.request("POST", &format!("/processor/orders/{id}"))
            .send()
            .expect_status(404);
    });
}

fn a_forged_host_header_does_not_lead_to_the_processor() {
    assert_undisturbed(|host, id| {
        for path in private_paths(id) {
            let request = host.request("POST", &path).header("host", PROCESSOR);
            match request.try_send() {
                Ok(answer) => {
                    let refused = [400, 404, 405, 421].contains(&answer.status);
                    assert!(refused, "{}", answer.describe());
                }
                // Spin closes the connection.
                Err(error) => assert_eq!(HostKind::current(), HostKind::Spin, "{error}"),
            }
        }
    });
}

fn an_absolute_target_does_not_lead_to_the_processor() {
    assert_undisturbed(|host, id| {
        for path in private_paths(id) {
            let mut connection = RawConnection::open(host);
            connection.send(format!(
                "POST http://{PROCESSOR}{path} HTTP/1.1\r\nhost: {PROCESSOR}\r\n\
                 connection: close\r\ncontent-length: 0\r\n\r\n"
            ));

            let answer = connection.read_to_end();

            // Spin closes the connection.
            let is_closed = answer.is_empty() && HostKind::current() == HostKind::Spin;
            assert!(
                is_closed || answer.starts_with("HTTP/1.1 4"),
                "`{path}`: {answer}"
            );
        }
    });
}

/// What the processor does, by its paths.
fn private_paths(id: &str) -> [String; 3] {
    [
        format!("/orders/{id}"),
        format!("/release/{id}"),
        "/sweep".to_owned(),
    ]
}

/// Runs `intrude` while an order is processed, and asserts that its one attempt goes on.
fn assert_undisturbed(intrude: impl Fn(&Host, &str)) {
    let host = Host::shared();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 30_000}))).send());
    let status = format!("/orders/status/{id}");
    tests::until("an order to be processed", || {
        (host.get(&status).send().json()["status"] == "processing").then_some(())
    });

    intrude(host, &id);

    let document = host.get(&status).send().expect_json(200);
    assert_eq!(document["status"], "processing", "{document}");
    assert_eq!(document["attempt"], 1, "{document}");
}
