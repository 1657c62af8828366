//! How soon are 1,000 and 10,000 open orders worked on again after kill -9, on a store of the host's own?
//!
//! With the default lease, and with as many attempts at once as there are orders. Nobody asks:
//! what is seen is read from the store.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use tests::{Kept, Setup};

use crate::effort::Effort;
use crate::machine::resident_kib;
use crate::orders::{order_that, submit};
use crate::rounds::{Target, compare};

const ORDERS: Effort<[usize; 2]> = Effort {
    full: [1000, 10_000],
    quick: [100, 1000],
};

/// Sixteen attempts share an instance, and they get three eighths of all instances.
const CONFIG: &str = "[processor]
type = \"in-process\"
max_concurrent = 10000

[limits]
instances_max = 1800
";

/// From serving again: no lease is waited for, as the next host knows that the last one is gone.
const RECOVERY_MAX: Duration = Duration::from_secs(2);

/// How often the store is looked at: seldom, as the look takes what the host could use.
const LOOK: Duration = Duration::from_secs(1);

pub fn run() -> Result<()> {
    ORDERS.now().into_iter().try_for_each(kill)
}

fn kill(orders: usize) -> Result<()> {
    let mut host = Setup::controlled().runtime_config(CONFIG).start();
    submit(host.address(), &order_that(3_600_000, "complete"), orders)?;
    let kept = Kept::in_state_dir(host.state_dir());
    let began = Instant::now();
    wait_for_attempts(&kept, orders, 1);
    println!(
        "  {orders} orders are worked on {:.1?} after the last was accepted",
        began.elapsed()
    );
    println!(
        "  {:<40} {:>6} MiB",
        "resident then",
        resident_kib(host.process_id()) / 1024
    );

    host.kill();
    let killed = Instant::now();
    let killed_at_ms = now_ms()?;
    host.restart();
    println!("  serving again {:.1?} after the kill", killed.elapsed());
    let serving_at_ms = now_ms()?;
    wait_for_attempts(&kept, orders, 2);
    let mut times: Vec<_> = kept
        .records()
        .iter()
        .filter_map(|record| {
            let started = record.attempts_started_at_ms();
            started.into_iter().find(|at| *at >= killed_at_ms)
        })
        .map(|at| Duration::from_millis(at.saturating_sub(serving_at_ms)))
        .collect();
    times.sort_unstable();
    let last = times.last().copied().unwrap_or_default();
    println!(
        "  worked on again after the restart: p50 {:.1?}, max {last:.1?}",
        times[times.len() / 2]
    );
    compare(
        "the last of them, to 2 s",
        last.as_secs_f64() / RECOVERY_MAX.as_secs_f64(),
        Target::AtMost(1.0),
    );
    Ok(())
}

/// Waits until every order has had that many attempts.
fn wait_for_attempts(kept: &Kept, orders: usize, attempts: usize) {
    tests::until("every order to be worked on", || {
        thread::sleep(LOOK);
        let records = kept.records();
        let had = records
            .iter()
            .filter(|record| record.history().len() >= attempts);
        (had.count() >= orders).then_some(())
    });
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(
        SystemTime::UNIX_EPOCH.elapsed()?.as_millis(),
    )?)
}
