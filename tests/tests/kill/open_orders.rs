//! A kill with many open orders: all are worked on again within a lease, with no client asking.

use std::time::{Duration, Instant};

use tests::{Recovery, Row, Setup, Test, is_long, pause, tests, together};

use crate::ledger::order_with;
use crate::service::{Service, recovery_ms, submission};

pub(crate) const TESTS: &[Test] =
    tests![open_orders_are_worked_on_again_after_a_lease_with_nobody_asking];

const ORDERS: usize = 1000;

/// Beyond the lease: the sweep and the claims. A long proof has the machine for itself; the
/// bounded one shares it with other tests, and does not judge how fast it is.
const SLACK_OF_LONG_PROOF: Duration = Duration::from_secs(5);
const SLACK: Duration = Duration::from_mins(1);

fn open_orders_are_worked_on_again_after_a_lease_with_nobody_asking() {
    // The default lease in a long proof.
    let (lease_seconds, slack) = if is_long() {
        (30, SLACK_OF_LONG_PROOF)
    } else {
        (5, SLACK)
    };
    let setup = Setup::controlled().variable("lease_seconds", &lease_seconds.to_string());
    let service = Service::start(setup);
    let clients = 16;
    let accepted = together(clients, |client| {
        let share = (client..ORDERS).step_by(clients);
        share
            .map(|number| {
                let order = order_with(&format!("order {number}"), 600_000, "complete");
                let answer = submission(&service.host(), &order, None).send();
                tests::uuid_in(&answer)
            })
            .collect::<Vec<_>>()
    })
    .concat();
    while worked_on(&service, 1) < ORDERS {
        pause(Duration::from_millis(200), "every order to be worked on");
    }

    service.kill_and_restart();

    let restarted = Instant::now();
    while worked_on(&service, 2) < ORDERS {
        pause(
            Duration::from_millis(200),
            "every order to be worked on again",
        );
    }
    let elapsed = restarted.elapsed();
    let kept = service.records();
    let lost = accepted
        .iter()
        .filter(|id| !kept.iter().any(|record| record.id() == *id))
        .count();
    let recovery: Recovery = recovery_ms(&kept, &service.restarts())
        .into_iter()
        .collect();
    let limit = Duration::from_secs(lease_seconds) + slack;
    assert!(
        elapsed <= limit,
        "expected at most {limit:?}, found {elapsed:?}: {recovery:?}"
    );
    Row {
        scenario: format!("{ORDERS} open orders, lease {lease_seconds} s, nobody asks"),
        kills: 1,
        pauses: 0,
        accepted: accepted.len(),
        lost,
        duplicated: 0,
        refused: 0,
        recovery,
    }
    .conclude();
}

/// How many orders have had that many attempts, as the store tells it.
fn worked_on(service: &Service, attempts: usize) -> usize {
    let records = service.records();
    let has = |count: usize| count >= attempts;
    records
        .iter()
        .filter(|record| has(record.history().len()))
        .count()
}
