//! How many orders a second do one and three replicas on one Redis accept, and how soon are the
//! orders of a replica that is killed worked on again?
//!
//! All of them share this machine's cores with Redis and the load, so three replicas show what
//! sharing a store costs, not what three machines would do.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tests::{Host, Kept, RedisServer, Setup};

use crate::load::Load;
use crate::orders::{order, order_that, submissions, submit};
use crate::rounds::{Contender, Target, compare, race};

/// How many orders the replica has in work that is killed.
const OPEN: usize = 300;

/// One lease, and one sweep.
const RECOVERY_MAX: Duration = Duration::from_secs(30 + 15);

const LOOK: Duration = Duration::from_millis(200);

/// Replicas on a Redis of their own.
struct Service {
    hosts: Vec<Host>,
    redis: RedisServer,
}

impl Service {
    fn start(appendfsync: &str, replicas: usize) -> Self {
        let redis = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", appendfsync]);
        let start = |_| {
            Setup::controlled()
                .runtime_config(&redis.runtime_config())
                .start()
        };
        Self {
            hosts: (0..replicas).map(start).collect(),
            redis,
        }
    }

    fn submissions(&self, name: &'static str) -> Contender {
        Contender {
            name,
            load: Load {
                addresses: self.hosts.iter().map(Host::address).collect(),
                ..submissions(self.hosts[0].address(), &order())
            },
        }
    }
}

pub fn run() -> Result<()> {
    let on_sqlite = Setup::new().start();
    let one_everysec = Service::start("everysec", 1);
    let three_everysec = Service::start("everysec", 3);
    let one_always = Service::start("always", 1);
    let three_always = Service::start("always", 3);
    let medians = race(&[
        Contender {
            name: "SQLite",
            load: submissions(on_sqlite.address(), &order()),
        },
        one_everysec.submissions("one on Redis, everysec"),
        three_everysec.submissions("three on Redis, everysec"),
        one_always.submissions("one on Redis, always"),
        three_always.submissions("three on Redis, always"),
    ])?;
    let sqlite = medians[0].per_second;
    for median in &medians[1..] {
        println!(
            "  {:<58} {:>7.2}×",
            format!("{}, to SQLite", median.name),
            median.per_second / sqlite
        );
    }
    recovery()
}

/// Kills one of three, and waits until the others have begun all of its orders anew.
fn recovery() -> Result<()> {
    let service = Service::start("always", 3);
    let kept = Kept::in_redis(&service.redis);
    let killed = &service.hosts[0];
    submit(killed.address(), &order_that(3_600_000, "complete"), OPEN)?;
    wait_for_attempts(&kept, 1);
    killed.kill();
    let began = Instant::now();
    wait_for_attempts(&kept, 2);
    let last = began.elapsed();
    println!("  {OPEN} orders of a killed replica are all worked on again after {last:.1?}");
    compare(
        "that, to one lease and one sweep",
        last.as_secs_f64() / RECOVERY_MAX.as_secs_f64(),
        Target::AtMost(1.0),
    );
    Ok(())
}

/// Waits until every order has had that many attempts.
fn wait_for_attempts(kept: &Kept, attempts: usize) {
    tests::until("every order to be worked on", || {
        thread::sleep(LOOK);
        let records = kept.records();
        let had = records
            .iter()
            .filter(|record| record.history().len() >= attempts);
        (had.count() >= OPEN).then_some(())
    });
}
