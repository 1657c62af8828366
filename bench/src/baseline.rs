//! What is compared with in most benchmarks: the same surface on Fastify by hand, keeping orders
//! in memory or in Redis.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use tests::{RedisServer, repository_path};

use crate::process::Process;

/// Where `cargo xtask bench` installs what is written in JavaScript.
const DIRECTORY: &str = "target/bench/peers";

/// A baseline that runs, and is killed when this is dropped.
pub struct Baseline {
    pub address: SocketAddr,
    fastify: Process,
    redis: Option<RedisServer>,
}

/// Where the baseline keeps orders.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// In its own memory: the fastest, and gone with the process.
    InMemory,
    /// In Redis, which answers a write after its fsync.
    InRedis,
}

impl Baseline {
    pub fn start(keeps: Keeps) -> Result<Self> {
        let redis = match keeps {
            Keeps::InMemory => None,
            Keeps::InRedis => Some(RedisServer::start()),
        };
        let mut node = node("by-hand.js");
        if let Some(redis) = &redis {
            node.env("REDIS_SOCKET", redis.socket());
        }
        let (fastify, address) = serve(node)?;
        Ok(Self {
            address,
            fastify,
            redis,
        })
    }

    /// The number of Fastify's process.
    pub fn process_id(&self) -> u32 {
        self.fastify.id()
    }

    /// The numbers of its processes, and of its store's.
    pub fn process_ids(&self) -> Vec<u32> {
        let redis = self.redis.as_ref().map(RedisServer::process_id);
        [Some(self.process_id()), redis]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Where what is written in JavaScript is installed.
pub fn installed() -> PathBuf {
    repository_path(DIRECTORY)
}

/// Node with one of the files there: of the version that is installed with them, if it is.
pub fn node(file: &str) -> Command {
    let own = installed().join("node_modules/.bin/node");
    let mut node = Command::new(if own.exists() { own } else { "node".into() });
    node.arg(file).current_dir(installed());
    node.env("OPENAPI", repository_path("clients/js/openapi.json"));
    node.env("NODE_ENV", "production");
    node
}

/// Starts a process that says where it serves, as hosts do.
pub fn serve(command: Command) -> Result<(Process, SocketAddr)> {
    let (process, line) = Process::start(command, "Serving http://")?;
    let address = line.rsplit("http://").next().unwrap_or_default();
    let address = address.parse().with_context(|| format!("found `{line}`"))?;
    Ok((process, address))
}
