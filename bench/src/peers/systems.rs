//! The systems that are compared, and how each is started.

use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;
use tests::{RedisServer, Setup};

use super::postgres::Postgres;
use super::system::{Keeps, RESTATE, System};
use crate::baseline::{self, Baseline, node, serve};

/// The names by which results are told apart and compared.
pub const OURS_SQLITE: &str = "ours, SQLite";
pub const OURS_REDIS: &str = "ours, Redis";
pub const BULLMQ: &str = "BullMQ, Redis";
pub const RESTATE_SERVER: &str = "Restate";
pub const PG_BOSS: &str = "pg-boss, PostgreSQL";
pub const BY_HAND_REDIS: &str = "Fastify by hand, Redis";
pub const BY_HAND_MEMORY: &str = "Fastify by hand, memory";
pub const FLOOR: &str = "native floor, SQLite";
pub const HELLO: &str = "hello component";

/// A name, and what starts the system that has it.
type Entry = (&'static str, fn() -> Result<System>);

/// Every Redis answers a write after its fsync.
pub const SYSTEMS: &[Entry] = &[
    (OURS_SQLITE, || Ok(ours_on_sqlite())),
    (OURS_REDIS, || Ok(ours_on_redis())),
    (BULLMQ, bullmq),
    (RESTATE_SERVER, restate),
    (PG_BOSS, pg_boss),
    (BY_HAND_REDIS, by_hand_in_redis),
    (BY_HAND_MEMORY, by_hand_in_memory),
    (FLOOR, floor),
    (HELLO, || Ok(hello())),
];

fn ours_on_sqlite() -> System {
    let host = Setup::controlled().start();
    let system = System::new(OURS_SQLITE, Keeps::Work, host.address());
    system.with([host.process_id()], host)
}

fn ours_on_redis() -> System {
    let redis = RedisServer::start();
    let setup = Setup::controlled().runtime_config(&redis.runtime_config());
    let host = setup.start();
    let system = System::new(OURS_REDIS, Keeps::Work, host.address());
    system.with([host.process_id(), redis.process_id()], (host, redis))
}

fn bullmq() -> Result<System> {
    let redis = RedisServer::start();
    let mut node = node("bullmq.js");
    node.env("REDIS_SOCKET", redis.socket());
    let (process, address) = serve(node)?;
    let system = System::new(BULLMQ, Keeps::Work, address);
    Ok(system.with([process.id(), redis.process_id()], (process, redis)))
}

fn restate() -> Result<System> {
    let data = TempDir::new()?;
    let mut node = node("restate.js");
    node.env("DATA", data.path());
    let (process, address) = serve(node)?;
    let system = System::new(RESTATE_SERVER, Keeps::Work, address).speaking(RESTATE);
    Ok(system.with([process.id()], (process, data)))
}

fn pg_boss() -> Result<System> {
    let postgres = Postgres::start()?;
    let mut node = node("pg-boss.js");
    node.env("PGHOST", postgres.socket_directory());
    let (process, address) = serve(node)?;
    let system = System::new(PG_BOSS, Keeps::Work, address);
    Ok(system.with([process.id(), postgres.process_id()], (process, postgres)))
}

fn by_hand_in_redis() -> Result<System> {
    by_hand(BY_HAND_REDIS, Keeps::Order, baseline::Keeps::InRedis)
}

fn by_hand_in_memory() -> Result<System> {
    by_hand(BY_HAND_MEMORY, Keeps::Nothing, baseline::Keeps::InMemory)
}

fn by_hand(name: &'static str, keeps: Keeps, store: baseline::Keeps) -> Result<System> {
    let baseline = Baseline::start(store)?;
    let system = System::new(name, keeps, baseline.address);
    Ok(system.with(baseline.process_ids(), baseline))
}

fn floor() -> Result<System> {
    let data = TempDir::new()?;
    // It is built beside this program, as hosts are.
    let program = std::env::current_exe()?.with_file_name("bench-floor");
    let mut floor = Command::new(program);
    floor.arg(data.path().join("orders.db"));
    let (process, address) = serve(floor)?;
    let system = System::new(FLOOR, Keeps::Work, address);
    Ok(system.with([process.id()], (process, data)))
}

fn hello() -> System {
    let host = Setup::new().application("bench/hello/spin.toml").start();
    let system = System::new(HELLO, Keeps::NoOrders, host.address());
    system.with([host.process_id()], host)
}
