//! How long does a sweep over 1,000,000 retained and 100 open orders take, and how long do
//! requests take meanwhile?
//!
//! The sweep's own record is watched from beside the host: it is written when a sweep begins and
//! when it ends. Requests come at a steady pace all the time, and are told apart by when they came.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tests::{Setup, store_file};

use crate::load::{Answered, Load, Pace, percentile};
use crate::orders::{order_that, reads, submissions, submit};
use crate::rounds::{Target, compare};
use crate::seed::fill;

const RETAINED: usize = 1_000_000;
const OPEN: usize = 100;

const PER_SECOND: u32 = 200;
const DURATION: Duration = Duration::from_secs(100);

/// More than a sweep takes, so that there is time between two.
const SWEEP_SECONDS: &str = "30";

/// How long a sweep may take.
const SWEEP_MAX: Duration = Duration::from_secs(5);

pub fn run() -> Result<()> {
    let setup = Setup::controlled().variable("sweep_seconds", SWEEP_SECONDS);
    let mut host = setup.start();
    host.kill();
    let began = Instant::now();
    fill(host.state_dir(), RETAINED, OPEN)?;
    println!(
        "  {RETAINED} retained and {OPEN} open orders written in {:.0?}",
        began.elapsed()
    );
    host.restart();
    let waiting = order_that(3_600_000, "complete");
    let paths = submit(host.address(), &waiting, 90)?;
    let mut requests = (*reads(host.address(), &paths).requests).clone();
    requests.extend(
        submissions(host.address(), &waiting)
            .requests
            .iter()
            .cloned(),
    );
    let load = Load {
        requests: requests.into(),
        statuses: &[200, 202],
        connections: 16,
        pace: Pace::Open(PER_SECOND, DURATION),
        addresses: vec![host.address()],
    };
    let stop = AtomicBool::new(false);
    let (measured, sweeps) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(host.state_dir(), &stop));
        let measured = load.send();
        stop.store(true, Ordering::Relaxed);
        (measured, watcher.join())
    });
    // OK because a panic of the watcher is one of this benchmark.
    let (measured, sweeps) = (measured?, sweeps.expect("the watcher ends")?);
    ensure!(
        !sweeps.is_empty(),
        "no sweep ended within {SWEEP_SECONDS} s of its begin"
    );
    let longest = sweeps.iter().map(|sweep| sweep.ended - sweep.began).max();
    let longest = longest.unwrap_or_default();
    let times: Vec<_> = sweeps
        .iter()
        .map(|sweep| format!("{:.2?}", sweep.ended - sweep.began))
        .collect();
    println!("  sweeps took {}", times.join(", "));

    let is_meanwhile = |answer: &&Answered| {
        sweeps
            .iter()
            .any(|sweep| answer.due + answer.took >= sweep.began && answer.due <= sweep.ended)
    };
    let (during, between): (Vec<_>, Vec<_>) = measured.answers.iter().partition(is_meanwhile);
    let p99 = |name: &str, answers: &[&Answered]| {
        let [p50, p99] = [50, 99].map(|percent| percentile(answers.iter().copied(), percent));
        println!(
            "  {name:<40} p50 {p50:>9.2?}  p99 {p99:>9.2?}  of {}",
            answers.len()
        );
        p99.as_secs_f64()
    };
    let (between, during) = (
        p99("between sweeps", &between),
        p99("during sweeps", &during),
    );
    compare(
        "a sweep, to 5 s",
        longest.as_secs_f64() / SWEEP_MAX.as_secs_f64(),
        Target::AtMost(1.0),
    );
    compare(
        "p99 during sweeps, to that between",
        during / between,
        Target::AtMost(2.0),
    );
    Ok(())
}

struct Sweep {
    began: Instant,
    ended: Instant,
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
        thread::sleep(Duration::from_millis(5));
        let value: Vec<u8> = query.query_row((), |row| row.get(0))?;
        let (last_value, last_next_at_ms) = last.take().unwrap_or_default();
        let next_at_ms = next_at_ms(&value)?;
        if value != last_value {
            let now = Instant::now();
            // Who takes a turn puts the next one off; who ends it does not.
            if next_at_ms > last_next_at_ms {
                // The first one that is seen may have begun before.
                began = (!last_value.is_empty()).then_some(now);
            } else if let Some(began) = began.take() {
                sweeps.push(Sweep { began, ended: now });
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
