//! A kill with many open orders: all are worked on again, with no client asking. At once by a host
//! that has its store for itself, and so knows that nobody holds them any more; else within a lease.

use std::time::{Duration, Instant};

use tests::{HostKind, Recovery, Row, Setup, Test, is_long, pause, tests, together};

use crate::ledger::order_with;
use crate::service::{Service, recovery_ms, submission};

pub(crate) const TESTS: &[Test] =
    tests![open_orders_are_worked_on_again_after_a_kill_with_nobody_asking];

const ORDERS: usize = 1000;

/// A lease that nobody waits for.
const LEASE_SECONDS_LONG: u64 = 3600;

/// For the sweep and the claims, of a host that has the store for itself; and of another, beyond the
/// lease. A long proof has the machine for itself; the bounded one shares it with other tests, and
/// does not judge how fast it is.
const RESUMED_WITHIN: Duration = Duration::from_secs(2);
const SLACK_OF_LONG_PROOF: Duration = Duration::from_secs(5);
const SLACK: Duration = Duration::from_mins(1);

fn open_orders_are_worked_on_again_after_a_kill_with_nobody_asking() {
    let (lease_seconds, limit) = match (HostKind::current(), is_long()) {
        (HostKind::Shim, true) => (LEASE_SECONDS_LONG, RESUMED_WITHIN),
        (HostKind::Shim, false) => (LEASE_SECONDS_LONG, SLACK),
        (HostKind::Spin, true) => (30, Duration::from_secs(30) + SLACK_OF_LONG_PROOF),
        (HostKind::Spin, false) => (5, Duration::from_secs(5) + SLACK),
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
