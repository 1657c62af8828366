//! What do clients who mean harm cost those who do not?
//!
//! An honest client submits and asks at a steady pace while one attack after the other runs, from
//! the same machine and so from the same cores. Its slowest answers are compared with those of the
//! same client alone, in the same run; and the memory that the host has at worst is told.
//! They come from one address, and the honest client from another, both of this machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::{Setup, order};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::effort::Effort;
use crate::load::{Load, Measured, Pace};
use crate::machine::resident_kib;
use crate::orders::{order_that, submit};
use crate::rounds::{Target, compare};

/// The honest client's pace: far below what the machine can do.
const HONEST_PER_SECOND: u32 = 200;
const HONEST_CONNECTIONS: usize = 16;
/// How long each attack is watched.
const ROUND: Effort<Duration> = Effort {
    full: Duration::from_secs(10),
    quick: Duration::from_secs(3),
};

/// Where an attack comes from.
const ATTACKER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 2), 0);
/// How many connections it opens a second, at most.
const ATTACKS_PER_SECOND: u32 = 1500;

/// The most memory that the host may have, in KiB.
const MEMORY_KIB_MAX: u64 = 256 * 1024;

/// One way to do harm.
struct Attack {
    name: &'static str,
    /// What each connection sends.
    request: String,
    /// How many connections are opened, and whether they are kept open or closed at once.
    connections: usize,
    keeps: bool,
}

pub fn run() -> Result<()> {
    // What idle connections there are to be comes from one address here.
    let host = Setup::controlled()
        .runtime_config("[limits]\nconnections_max = 20000\npeer_connections_max = 12000\n")
        .start();
    let address = host.address();
    let paths = submit(address, &order_that(3_600_000, "complete"), 1)?;
    let path = paths.first().context("an order has a status")?;
    let idle = honest(address).send()?;
    print("nobody else", &idle, resident_kib(host.process_id()));
    for attack in attacks(path) {
        let over = AtomicBool::new(false);
        let (measured, memory_kib) = thread::scope(|scope| -> Result<_> {
            let attacker = scope.spawn(|| attack.run(address, &over));
            let watch = scope.spawn(|| {
                let mut most = 0;
                while !over.load(Relaxed) {
                    most = most.max(resident_kib(host.process_id()));
                    thread::sleep(Duration::from_millis(100));
                }
                most
            });
            let measured = honest(address).send();
            over.store(true, Relaxed);
            // OK because neither panics but by a fault of the benchmark.
            attacker.join().expect("an attack ends")?;
            let memory_kib = watch.join().expect("a look at memory ends");
            Ok((measured?, memory_kib))
        })?;
        print(attack.name, &measured, memory_kib);
        compare(
            "p99, to that with nobody else",
            measured.percentile(99).as_secs_f64() / idle.percentile(99).as_secs_f64(),
            Target::AtMost(3.0),
        );
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        compare(
            "memory, to 256 MiB",
            memory_kib as f64 / MEMORY_KIB_MAX as f64,
            Target::AtMost(1.0),
        );
    }
    Ok(())
}

fn attacks(path: &str) -> Vec<Attack> {
    let get = |path: &str, header: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n{header}\r\n");
    vec![
        Attack {
            name: "waits that are abandoned at once",
            request: get(path, "prefer: wait=60\r\n"),
            connections: 15_000,
            keeps: false,
        },
        Attack {
            name: "streams that are abandoned at once",
            request: get(path, "accept: text/event-stream\r\n"),
            connections: 5000,
            keeps: false,
        },
        Attack {
            name: "heads that never end",
            request: "GET /healthz HTTP/1.1\r\nhost: a\r\nx: ".to_owned(),
            connections: 5000,
            keeps: true,
        },
        Attack {
            name: "bodies that never come",
            request: "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{".to_owned(),
            connections: 2000,
            keeps: true,
        },
        Attack {
            name: "readers that never read",
            request: get("/openapi.json", "").repeat(50),
            connections: 500,
            keeps: true,
        },
        Attack {
            name: "10,000 idle connections",
            request: String::new(),
            connections: 10_000,
            keeps: true,
        },
        Attack {
            name: "lists, as long as they may be",
            request: get("/orders?limit=100", ""),
            connections: 2000,
            keeps: false,
        },
    ]
}

impl Attack {
    /// Attacks until it has opened its connections, and keeps those that it keeps until `over`.
    fn run(&self, address: SocketAddr, over: &AtomicBool) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        runtime.block_on(async {
            let mut kept = Vec::new();
            let mut pace = tokio::time::interval(Duration::from_secs(1) / ATTACKS_PER_SECOND);
            for _ in 0..self.connections {
                if over.load(Relaxed) {
                    return Ok(());
                }
                pace.tick().await;
                // One that is refused has done what it could.
                let Ok(mut stream) = connect(address).await else {
                    continue;
                };
                let _ = stream.write_all(self.request.as_bytes()).await;
                if self.keeps {
                    kept.push(stream);
                }
            }
            while !over.load(Relaxed) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        })
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(ATTACKER.into())?;
    socket.connect(address).await
}

/// Submits and asks, half and half.
fn honest(address: SocketAddr) -> Load {
    let order = order();
    let submission = format!(
        "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{order}",
        order.len()
    );
    let health = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".to_owned();
    Load {
        addresses: vec![address],
        requests: Arc::new(vec![submission.into_bytes(), health.into_bytes()]),
        statuses: &[200, 202],
        connections: HONEST_CONNECTIONS,
        pace: Pace::Open(HONEST_PER_SECOND, ROUND.now()),
    }
}

fn print(name: &str, measured: &Measured, memory_kib: u64) {
    println!(
        "  {name:<40} p50 {:>9.2?}  p99 {:>9.2?}  {:>5} MiB",
        measured.percentile(50),
        measured.percentile(99),
        memory_kib / 1024
    );
}
