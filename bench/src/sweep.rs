//! What does a sweep over 100 open orders cost with 1,000,000 retained ones, compared with 10,000, and
//! how long do requests take meanwhile?
//!
//! Both hosts sweep every second all the time. A sweep's own record is watched from beside each: it is
//! written when a sweep begins and when it ends. Requests come at a steady pace to the host that
//! retains more, and are told apart by when they came.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use serde_json::Value;
use tests::{Host, Setup, store_file};

use crate::effort::Effort;
use crate::load::{Answered, Load, Pace, percentile};
use crate::orders::{order_that, reads, submissions, submit};
use crate::rounds::{Target, compare};
use crate::seed::fill;

const FEW: usize = 10_000;
const MANY: Effort<usize> = Effort {
    full: 1_000_000,
    quick: 200_000,
};
const OPEN: usize = 100;

const PER_SECOND: u32 = 400;
/// How long the hosts are watched, first idle and then under load.
const DURATION: Effort<Duration> = Effort {
    full: Duration::from_mins(1),
    quick: Duration::from_secs(10),
};

/// How often a host's sweep record is looked at: far more often than a sweep takes.
const LOOK: Duration = Duration::from_micros(250);

pub fn run() -> Result<()> {
    let few = start(FEW)?;
    let many = start(MANY.now())?;
    // In the same time, so that whatever else the machine does hits both.
    let [of_few, of_many] = watch_all([&few, &many], || thread::sleep(DURATION.now()))?.1;
    let medians = [(FEW, &of_few), (MANY.now(), &of_many)].map(|(retained, sweeps)| {
        let median = median(sweeps);
        println!(
            "  {:<40} {median:>9.2?}, the median of {}",
            format!("a sweep, {OPEN} open, {retained} retained"),
            sweeps.len()
        );
        median.as_secs_f64()
    });
    compare(
        "a sweep with the many, to one with the few",
        medians[1] / medians[0],
        Target::AtMost(1.2),
    );
    requests_meanwhile(&many)
}

/// A host that retains so many orders.
fn start(retained: usize) -> Result<Host> {
    let setup = Setup::controlled().variable("sweep_seconds", "1");
    let mut host = setup.start();
    host.kill();
    let began = Instant::now();
    fill(host.state_dir(), retained, OPEN)?;
    println!(
        "  {retained} retained and {OPEN} open orders written in {:.0?}",
        began.elapsed()
    );
    host.restart();
    Ok(host)
}

fn requests_meanwhile(host: &Host) -> Result<()> {
    let load = load_of(host)?;
    let (measured, [sweeps]) = watch_all([host], || load.send())?;
    let is_meanwhile = |answer: &&Answered| {
        sweeps
            .iter()
            .any(|sweep| answer.due + answer.took >= sweep.began && answer.due <= sweep.ended)
    };
    let measured = measured?;
    let (during, between): (Vec<_>, Vec<_>) = measured.answers.iter().partition(is_meanwhile);
    let p99 = |name: &str, answers: &[&Answered]| {
        let [p50, p99] = [50, 99].map(|percent| percentile(answers.iter().copied(), percent));
        println!(
            "  {name:<40} p50 {p50:>9.2?}  p99 {p99:>9.2?}  of {}",
            answers.len()
        );
        p99.as_secs_f64()
    };
    let between = p99("requests between sweeps", &between);
    let during = p99("requests during sweeps", &during);
    compare(
        "p99 during sweeps, to that between",
        during / between,
        Target::AtMost(1.5),
    );
    Ok(())
}

/// Reads, and one submission among ninety of them, so that what is open grows little.
fn load_of(host: &Host) -> Result<Load> {
    let waiting = order_that(3_600_000, "complete");
    let paths = submit(host.address(), &waiting, 90)?;
    let mut requests = (*reads(host.address(), &paths).requests).clone();
    let submission = submissions(host.address(), &order_that(0, "complete"));
    requests.extend(submission.requests.iter().cloned());
    Ok(Load {
        requests: requests.into(),
        statuses: &[200, 202],
        connections: 16,
        pace: Pace::Open(PER_SECOND, DURATION.now()),
        addresses: vec![host.address()],
    })
}

struct Sweep {
    began: Instant,
    ended: Instant,
}

/// The sweeps of each host while `task` runs, and what it returned.
fn watch_all<T, const N: usize>(
    hosts: [&Host; N],
    task: impl FnOnce() -> T,
) -> Result<(T, [Vec<Sweep>; N])> {
    let stop = AtomicBool::new(false);
    let (returned, watched) = thread::scope(|scope| {
        let watchers = hosts.map(|host| scope.spawn(|| watch(host.state_dir(), &stop)));
        let returned = task();
        stop.store(true, Ordering::Relaxed);
        // OK because a panic of a watcher is one of this benchmark.
        let watched = watchers.map(|watcher| watcher.join().expect("a watcher ends"));
        (returned, watched)
    });
    let mut sweeps = [const { Vec::new() }; N];
    for (sweeps, watched) in sweeps.iter_mut().zip(watched) {
        *sweeps = watched?;
        ensure!(!sweeps.is_empty(), "no sweep began and ended");
    }
    Ok((returned, sweeps))
}

/// Notes the sweeps that begin and end until it is told to stop.
fn watch(state_dir: &Path, stop: &AtomicBool) -> Result<Vec<Sweep>> {
    let store =
        Connection::open_with_flags(store_file(state_dir), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut query = store.prepare("SELECT value FROM spin_key_value WHERE key = 'sweep'")?;
    let mut sweeps = Vec::new();
    let mut last: Option<(Vec<u8>, u64)> = None;
    let mut began: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
        let value: Option<Vec<u8>> = query.query_row((), |row| row.get(0)).optional()?;
        // The host has not swept yet.
        let Some(value) = value else { continue };
        let next_at_ms = next_at_ms(&value)?;
        if let Some((last_value, due_at_ms)) = &last
            && value != *last_value
        {
            // A turn is taken when it is due, and what it leaves is written before the next is.
            if now_ms()? >= *due_at_ms {
                began = Some(Instant::now());
            } else if let Some(began) = began.take() {
                sweeps.push(Sweep {
                    began,
                    ended: Instant::now(),
                });
            }
        }
        last = Some((value, next_at_ms));
    }
    Ok(sweeps)
}

fn next_at_ms(sweep_record: &[u8]) -> Result<u64> {
    let record: Value = serde_json::from_slice(sweep_record)?;
    record["nextAt"]
        .as_u64()
        .context("a sweep record says when the next is due")
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(
        SystemTime::UNIX_EPOCH.elapsed()?.as_millis(),
    )?)
}

fn median(sweeps: &[Sweep]) -> Duration {
    let mut times: Vec<_> = sweeps.iter().map(|it| it.ended - it.began).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
