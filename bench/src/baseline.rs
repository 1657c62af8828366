//! What is compared with: the same surface on Fastify, keeping orders in memory or in Redis.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tests::{RedisServer, repository_path};

/// Where `cargo xtask bench` installs the baseline's packages.
const DIRECTORY: &str = "target/bench/baseline";

/// A baseline that runs, and is killed when this is dropped.
pub struct Baseline {
    pub address: SocketAddr,
    fastify: Process,
    _redis: Option<RedisServer>,
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
        let mut node = Command::new("node");
        node.arg("server.js")
            .current_dir(repository_path(DIRECTORY));
        if let Some(redis) = &redis {
            node.env("REDIS_SOCKET", redis.socket());
        }
        let (fastify, line) = Process::start(&mut node, "Serving ")?;
        let address = line.rsplit("http://").next().unwrap_or_default();
        Ok(Self {
            address: address.parse().with_context(|| format!("found `{line}`"))?,
            fastify,
            _redis: redis,
        })
    }

    pub fn process_id(&self) -> u32 {
        self.fastify.0.id()
    }
}

struct Process(Child);

impl Process {
    /// Starts a process, and waits for the line by which it says that it is ready.
    fn start(command: &mut Command, ready: &str) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let hint = "run `cargo xtask bench`, which installs what is needed";
        let mut process = Self(child.with_context(|| format!("cannot run `{name}`; {hint}"))?);
        let stdout = process
            .0
            .stdout
            .take()
            .context("standard output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.find(|line| line.as_ref().map_or(true, |line| line.contains(ready)));
        let line = line.with_context(|| format!("`{name}` ended; {hint}"))??;
        // What it prints later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((process, line))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Neither can fail for a process that has not been waited for, and a drop must not panic.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
