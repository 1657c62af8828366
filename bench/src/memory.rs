//! How much memory does a host have resident, idle and with 1,000 open orders?

use anyhow::Result;
use tests::{Setup, until};

use crate::baseline::{Baseline, Keeps};
use crate::machine::resident_kib;
use crate::orders::{order_that, submit};

const ORDERS: usize = 1000;

pub fn run() -> Result<()> {
    let shim = Setup::controlled().start();
    let fastify = Baseline::start(Keeps::InMemory)?;
    let work = order_that(3_600_000, "complete");
    for address in [shim.address(), fastify.address] {
        submit(address, &work, 1)?;
    }
    let idle = [shim.process_id(), fastify.process_id()].map(resident_kib);
    for address in [shim.address(), fastify.address] {
        submit(address, &work, ORDERS)?;
    }
    let kept = tests::Kept::in_state_dir(shim.state_dir());
    until("every order to be worked on", || {
        let records = kept.records();
        let working = records
            .iter()
            .filter(|record| record.status() == "processing");
        (working.count() > ORDERS).then_some(())
    });
    let open = [shim.process_id(), fastify.process_id()].map(resident_kib);
    let mib = |kib: u64| kib / 1024;
    println!(
        "  {:<40} {:>6} {:>18}",
        "resident, MiB", "idle", "1,000 open orders"
    );
    for (name, index) in [("shim on SQLite", 0), ("Fastify in memory", 1)] {
        println!(
            "  {name:<40} {:>6} {:>18}",
            mib(idle[index]),
            mib(open[index])
        );
    }
    for (what, [shim, fastify]) in [("idle", idle), ("with 1,000 open orders", open)] {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let ratio = shim as f64 / fastify as f64;
        println!(
            "  {:<58} {ratio:>7.2}×",
            format!("shim, to Fastify in memory, {what}")
        );
    }
    Ok(())
}
