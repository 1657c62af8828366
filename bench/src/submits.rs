//! How many orders a second are accepted, each durable before its 202?
//!
//! With default settings, so that what is accepted is worked on meanwhile; the baselines set a
//! timer of the same length.

use anyhow::Result;
use tests::Setup;

use crate::baseline::{Baseline, Keeps};
use crate::orders::{order, submissions};
use crate::rounds::{Contender, Target, compare, race};

pub fn run() -> Result<()> {
    let shim = Setup::new().start();
    let in_memory = Baseline::start(Keeps::InMemory)?;
    let in_redis = Baseline::start(Keeps::InRedis)?;
    let contender = |name, address| Contender {
        name,
        load: submissions(address, &order()),
    };
    let medians = race(&[
        contender("shim on SQLite, fsync before 202", shim.address()),
        contender("Fastify in memory, not durable", in_memory.address),
        contender("Fastify on Redis, appendfsync always", in_redis.address),
    ])?;
    let [shim, memory, redis] = &medians[..] else {
        unreachable!("three were measured")
    };
    compare(
        "shim, to Fastify in memory",
        shim.per_second / memory.per_second,
        Target::AtLeast(1.0),
    );
    compare(
        "shim, to Fastify on Redis",
        shim.per_second / redis.per_second,
        Target::AtLeast(2.5),
    );
    Ok(())
}
