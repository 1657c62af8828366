//! A host that is killed has lost nothing that it has accepted.

use serde_json::json;
use tests::{HostKind, Setup, Test, journey, order, order_that, tests, together, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    an_order_survives_a_kill_straight_after_its_202,
    all_that_was_accepted_under_load_survives_a_kill,
    a_result_survives_a_kill,
];

fn an_order_survives_a_kill_straight_after_its_202() {
    let mut host = Setup::new().start();
    let accepted = host.submit(order()).send();
    host.kill();
    let id = uuid_in(&accepted);

    host.restart();

    let answer = host.get(&format!("/orders/status/{id}")).send();
    assert!([200, 303].contains(&answer.status), "{}", answer.describe());
    if answer.status == 200 {
        assert_eq!(answer.json()["id"], id);
    }
}

fn all_that_was_accepted_under_load_survives_a_kill() {
    let mut host = Setup::controlled().start();
    let order = order_that(&json!({"ms": 600_000}));
    // Each thread submits until the host dies under it; one kills it in the middle of that.
    let clients = HostKind::current().share_of(8);
    let accepted: Vec<String> = together(clients, |thread| {
        let mut ids = Vec::new();
        while let Ok(answer) = host.submit(&order).try_send() {
            ids.push(uuid_in(&answer));
            if thread == 0 && ids.len() == 20 {
                host.kill();
            }
        }
        ids
    })
    .concat();
    assert!(accepted.len() >= 20, "{}", accepted.len());

    host.restart();

    for id in &accepted {
        let document = host
            .get(&format!("/orders/status/{id}"))
            .send()
            .expect_json(200);
        assert_eq!(&document["id"], id);
    }
}

fn a_result_survives_a_kill() {
    let mut host = Setup::controlled().start();
    let before = journey(&host, &order_that(&json!({"ms": 0})));
    host.kill();

    host.restart();

    let after = host.get(&format!("/orders/{}", before.id)).send();
    assert_eq!(after.expect_json(200), before.result.expect_json(200));
}
