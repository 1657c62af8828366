//! How many statuses a second are read, and how long do the slowest take?
//!
//! Of a thousand open orders in turn. The ceiling is a component in the same host that says hello:
//! what a host and one guest call cost by themselves.

use std::net::SocketAddr;

use anyhow::Result;
use tests::Setup;

use crate::baseline::{Baseline, Keeps};
use crate::orders::{order_that, reads, submit};
use crate::rounds::{Contender, Target, compare, race};

/// Orders that outlast the benchmark.
const ORDERS: usize = 1000;
const WORK_MS: u64 = 3_600_000;

pub fn run() -> Result<()> {
    let shim = Setup::controlled().start();
    let hello = Setup::new().application("bench/hello/spin.toml").start();
    let in_memory = Baseline::start(Keeps::InMemory)?;
    let in_redis = Baseline::start(Keeps::InRedis)?;
    let statuses = |name, address: SocketAddr| -> Result<Contender> {
        let paths = submit(address, &order_that(WORK_MS, "complete"), ORDERS)?;
        Ok(Contender {
            name,
            load: reads(address, &paths),
        })
    };
    let greeting = Contender {
        name: "hello component in the shim",
        load: reads(hello.address(), &["/".to_owned()]),
    };
    let medians = race(&[
        statuses("shim on SQLite", shim.address())?,
        statuses("Fastify in memory", in_memory.address)?,
        statuses("Fastify on Redis", in_redis.address)?,
        greeting,
    ])?;
    let [shim, memory, redis, hello] = &medians[..] else {
        unreachable!("four were measured")
    };
    let ratio = |to: f64| shim.per_second / to;
    compare(
        "shim, to Fastify in memory",
        ratio(memory.per_second),
        Target::AtLeast(2.0),
    );
    compare(
        "shim, to Fastify on Redis",
        ratio(redis.per_second),
        Target::AtLeast(2.0),
    );
    compare(
        "shim, to the hello component",
        ratio(hello.per_second),
        Target::AtLeast(0.6),
    );
    compare(
        "p99 of the shim, to that of Fastify in memory",
        shim.p99.as_secs_f64() / memory.p99.as_secs_f64(),
        Target::AtMost(1.0),
    );
    Ok(())
}
