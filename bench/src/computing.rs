//! How much longer do requests take while orders compute on every core?
//!
//! Submissions and reads come at a steady pace that leaves the host mostly idle, first alone, then
//! while twice as many orders as there are cores compute without a pause.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tests::{Setup, until};

use crate::effort::Effort;
use crate::load::{Load, Measured, Pace};
use crate::orders::{order_that, reads, submissions, submit};
use crate::rounds::{Target, compare};

const PER_SECOND: u32 = 200;
const DURATION: Effort<Duration> = Effort {
    full: Duration::from_secs(15),
    quick: Duration::from_secs(5),
};
const WARM_UP: Duration = Duration::from_secs(3);

/// How long an order computes: longer than the measurement, so that its load is steady.
const SPIN: &str = "spin:20000";

pub fn run() -> Result<()> {
    let host = Setup::controlled().start();
    let waiting = order_that(3_600_000, "complete");
    let paths = submit(host.address(), &waiting, 100)?;
    let submission = submissions(host.address(), &waiting);
    let read = reads(host.address(), &paths);
    // Of ten requests one submits: clients poll more often than that.
    let requests: Vec<_> = (0..paths.len())
        .filter_map(|index| match index % 10 {
            0 => submission.requests.first().cloned(),
            _ => read.requests.get(index).cloned(),
        })
        .collect();
    let load = Load {
        requests: Arc::new(requests),
        statuses: &[200, 202],
        connections: 16,
        pace: Pace::Open(PER_SECOND, DURATION.now()),
        addresses: vec![host.address()],
    };
    // The first requests start instances, which is no part of the question.
    let warm_up = Load {
        pace: Pace::Open(PER_SECOND, WARM_UP),
        ..load.clone()
    };
    warm_up.send()?;
    let idle = load.send()?;
    report("idle", &idle);

    let cores = std::thread::available_parallelism()?.get();
    let computing = submit(host.address(), &order_that(0, SPIN), cores * 2)?;
    for path in &computing {
        until("an order to compute", || {
            let status = host.get(path).send().json()["status"].clone();
            (status == "processing").then_some(())
        });
    }
    let busy = load.send()?;
    report(
        &format!("{} orders compute on {cores} cores", cores * 2),
        &busy,
    );
    compare(
        "p99 while orders compute, to that of an idle host",
        busy.percentile(99).as_secs_f64() / idle.percentile(99).as_secs_f64(),
        Target::AtMost(3.0),
    );
    Ok(())
}

fn report(name: &str, measured: &Measured) {
    println!(
        "  {name:<40} p50 {:>9.2?}  p99 {:>9.2?}  of {} requests at {PER_SECOND}/s",
        measured.percentile(50),
        measured.percentile(99),
        measured.answers.len(),
    );
}
