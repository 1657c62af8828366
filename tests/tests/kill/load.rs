//! Kills and pauses at random under load, one after another, while clients go on by the published
//! algorithm; and the same with clocks that differ.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{
    HostKind, RedisServer, Setup, Test, is_long, pause, retry_after_seconds, tests, together,
};

use crate::finding::{Finding, conclude};
use crate::ledger::{Ledger, order_with};
use crate::service::{LONGER_THAN_ANY_GRACE, Service, fast, now_ms, submission};

pub(crate) const TESTS: &[Test] = tests![
    every_order_ends_as_sent_once_however_often_the_host_is_killed,
    every_order_ends_as_sent_once_on_replicas_of_which_any_is_killed,
    "Spin has the clock of its machine": every_order_ends_as_sent_once_on_replicas_whose_clocks_differ,
];

/// How much is done.
struct Extent {
    clients: usize,
    kills: usize,
    pauses: usize,
    orders: usize,
    /// The longest time between two kills or pauses, in milliseconds, the start not counted.
    up_ms_max: u64,
}

impl Extent {
    /// As much as this host does in the same time.
    fn on(self, host: HostKind) -> Self {
        Self {
            clients: host.share_of(self.clients),
            orders: host.share_of(self.orders),
            ..self
        }
    }
}

const BOUNDED: Extent = Extent {
    clients: 48,
    kills: 6,
    pauses: 3,
    orders: 150,
    up_ms_max: 3000,
};
const LONG: Extent = Extent {
    clients: 400,
    kills: 70,
    pauses: 20,
    orders: 12_000,
    up_ms_max: 5000,
};

const LONG_ON_REPLICAS: Extent = Extent {
    clients: 200,
    kills: 40,
    pauses: 60,
    orders: 8000,
    up_ms_max: 2000,
};

const REPLICAS: usize = 3;

/// By how much the clocks of replicas are off, in milliseconds.
const CLOCKS_OFF_MS: [i64; REPLICAS] = [-90_000, 0, 90_000];

/// The longest work of an order: some end between two kills, some are hit by several.
const WORK_MS_MAX: u64 = 800;

fn every_order_ends_as_sent_once_however_often_the_host_is_killed() {
    let extent = if is_long() { LONG } else { BOUNDED };
    prove(
        "submit, poll, fetch under load, killed and stopped at random",
        &extent.on(HostKind::current()),
        &Service::start(with_short_lease()),
    );
}

fn every_order_ends_as_sent_once_on_replicas_of_which_any_is_killed() {
    let extent = if is_long() { LONG_ON_REPLICAS } else { BOUNDED };
    let replicas = [(); REPLICAS].map(|()| with_short_lease());
    prove(
        "the same, three replicas on one Redis, any killed or stopped",
        &extent.on(HostKind::current()),
        &Service::start_replicas(RedisServer::start(), replicas),
    );
}

fn every_order_ends_as_sent_once_on_replicas_whose_clocks_differ() {
    let extent = Extent {
        kills: 2,
        pauses: 2,
        orders: if is_long() { 2000 } else { 150 },
        ..BOUNDED
    };
    // As short a retention as there can be: by the clock of one, it has ended when another ends an order.
    let replicas = CLOCKS_OFF_MS.map(|ms| {
        let setup = fast().variable("retention_seconds", "60");
        setup.clock_off_by(ms)
    });
    prove(
        "the same, clocks 90 s ahead and behind",
        &extent,
        &Service::start_replicas(RedisServer::start(), replicas),
    );
}

/// A lease that runs out soon after a kill, and not under who lives: as many seconds as the host may
/// take times longer to renew it.
fn with_short_lease() -> Setup {
    fast().variable("lease_seconds", &HostKind::current().slowness().to_string())
}

fn prove(scenario: &str, extent: &Extent, service: &Service) {
    let ledger = Ledger::default();
    let stop = AtomicBool::new(false);
    let submitted = AtomicUsize::new(0);
    together(extent.clients + 1, |number| {
        if number == extent.clients {
            disturb_again_and_again(service, &ledger, extent);
            stop.store(true, Ordering::Relaxed);
            return;
        }
        while !stop.load(Ordering::Relaxed) {
            let sequence = submitted.fetch_add(1, Ordering::Relaxed);
            go_through(service, &ledger, sequence);
        }
    });
    conclude(scenario, &[Finding::of(service, &ledger)]);
}

/// Kills and stops until there was enough of both, and enough orders.
fn disturb_again_and_again(service: &Service, ledger: &Ledger, extent: &Extent) {
    let began = Instant::now();
    let mut random = Random(now_ms());
    let (mut kills, mut pauses) = (0, 0);
    while kills < extent.kills || pauses < extent.pauses || ledger.accepted() < extent.orders {
        // One in four comes while the host is still busy with what the last one left.
        let up_ms_max = match random.below(4) {
            0 => extent.up_ms_max / 10,
            _ => extent.up_ms_max,
        };
        pause(
            Duration::from_millis(random.below(up_ms_max)),
            "a moment to disturb in",
        );
        // In turns, as far as there are still some of both to come.
        if kills * extent.pauses <= pauses * extent.kills {
            service.kill_and_restart();
            kills += 1;
        } else {
            service.pause_and_go_on(LONGER_THAN_ANY_GRACE.mul_f64(random.fraction()));
            pauses += 1;
        }
        let open = ledger.look(&service.kept());
        if (kills + pauses).is_multiple_of(10) {
            eprintln!(
                "{:>5} s  {kills:>4} kills  {pauses:>4} pauses  {:>6} accepted  {open:>5} open",
                began.elapsed().as_secs(),
                ledger.accepted(),
            );
        }
    }
}

/// Submits one order and stays with it until its result.
fn go_through(service: &Service, ledger: &Ledger, sequence: usize) {
    let note = format!("order {sequence}");
    let ms = Random(sequence as u64).below(WORK_MS_MAX);
    let mut order = order_with(&note, ms, "complete");
    let accepted = if sequence.is_multiple_of(2) {
        // With a key, what was not answered is sent again.
        service.persist(|host| submission(host, &order, Some(&note)))
    } else {
        submit_without_key(service, &mut order, &note)
    };
    if accepted.status != 202 {
        return ledger.refuse(&accepted);
    }
    let id = ledger.accept(&accepted, &order);
    let status_path = accepted.header("location").expect("a 202 has a location");
    let mut wait = retry_after_seconds(&accepted);
    let ended = loop {
        pause(Duration::from_secs(wait), "an order to end");
        let answer = service.persist(|host| host.get(status_path));
        match answer.status {
            200 => wait = retry_after_seconds(&answer),
            _ => break answer,
        }
    };
    let Some(result_path) = ended.header("location").filter(|_| ended.status == 303) else {
        return ledger.lose(&id, &ended);
    };
    let result = service.persist(|host| host.get(result_path));
    if result.status != 200 {
        ledger.lose(&id, &result);
    }
}

/// Without a key nobody knows what became of a submission that was not answered. So each try is
/// an order of its own, with a note of its own, and the one that is answered counts.
fn submit_without_key(service: &Service, order: &mut Value, note: &str) -> tests::Response {
    for attempt in 1.. {
        order["note"] = format!("{note}, try {attempt}").into();
        let answer = submission(&service.any_host(), order, None).try_send();
        match answer {
            Ok(answer) if answer.status != 503 => return answer,
            _ => pause(Duration::from_millis(20), "a host that answers"),
        }
    }
    unreachable!("the range does not end")
}

/// Numbers that are random enough to choose moments: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        let mut x = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0 = x;
        x % bound
    }

    fn fraction(&mut self) -> f64 {
        const PARTS: u32 = 1000;
        let parts = u32::try_from(self.below(PARTS.into())).unwrap_or(PARTS);
        f64::from(parts) / f64::from(PARTS)
    }
}
