//! Many clients race one idempotency key: one order, also when the host dies in the middle of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::{Test, is_long, pause, tests, together};

use crate::finding::{Finding, conclude, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    clients_that_race_one_key_get_one_order,
    clients_that_race_one_key_get_one_order_through_a_kill,
    "Spin has no named points": clients_that_race_one_key_get_one_order_wherever_the_first_dies,
];

const CLIENTS: usize = 64;

fn clients_that_race_one_key_get_one_order() {
    let service = Service::start(fast());
    let ledger = Ledger::default();
    for round in 0..if is_long() { 200 } else { 5 } {
        race(&service, &ledger, &format!("race {round}"), || {});
    }
    conclude("64 clients race one key", &[Finding::of(&service, &ledger)]);
}

fn clients_that_race_one_key_get_one_order_through_a_kill() {
    let service = Service::start(fast());
    let ledger = Ledger::default();
    for round in 0..if is_long() { 20 } else { 3 } {
        race(&service, &ledger, &format!("race {round}"), || {
            // From before the first write to after the last answer.
            pause(Duration::from_millis(round * 7 % 40), "a moment to kill in");
            service.kill_and_restart();
        });
    }
    let finding = Finding::of(&service, &ledger);
    conclude("64 clients race one key, killed at random", &[finding]);
}

fn clients_that_race_one_key_get_one_order_wherever_the_first_dies() {
    let points = [
        "set:open_:1:after",
        "swap:bid_:1:before",
        "swap:bid_:1:after",
        "swap:open_:1:before",
        "swap:open_:1:after",
    ];
    prove(
        "64 clients race one key, killed at each write",
        &points,
        |point| {
            let service = Service::start(fast().crash_at(point));
            let ledger = Ledger::default();
            race(&service, &ledger, "race", || service.restart_after_crash());
            Finding::of(&service, &ledger)
        },
    );
}

/// Has every client submit one order under one key until it is answered, while `disturb` does
/// its worst, and asserts that all were answered alike.
fn race(service: &Service, ledger: &Ledger, key: &str, disturb: impl Fn() + Sync) {
    let order = order_with(key, 0, "complete");
    let answers = together(CLIENTS + 1, |client| {
        if client == CLIENTS {
            disturb();
            return None;
        }
        let answer = service.persist(|host| submission(host, &order, Some(key)));
        Some((
            ledger.accept(&answer, &order),
            answer.header("location").map(str::to_owned),
        ))
    });
    let different: BTreeSet<_> = answers.into_iter().flatten().collect();
    assert_eq!(different.len(), 1, "{key}: {different:?}");
}
