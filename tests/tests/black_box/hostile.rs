//! Clients who mean harm do not take the service from others.
//!
//! Each attack runs while an honest client submits, asks and probes; what the machine can do
//! meanwhile is measured by `cargo xtask bench hostile`, and not here.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde_json::json;
use tests::{Host, RawConnection, Setup, Test, order, order_that, tests, together, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    "the limits of a host are its own": waits_that_are_abandoned_cost_nobody_anything,
    "the limits of a host are its own": heads_that_never_end_hold_nobody_up,
    "the limits of a host are its own": readers_that_never_read_hold_nobody_up
        (wasi03 "on WASI 0.2 each request that is under way has the memory of an instance"),
];

/// How many threads attack.
const ATTACKERS: usize = 4;

/// The most memory that the host may have: far above what serving takes, far below what keeping
/// each abandoned request would.
const MEMORY_BYTES_MAX: u64 = 256 << 20;

fn waits_that_are_abandoned_cost_nobody_anything() {
    let host = Setup::controlled().start();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 600_000}))).send());
    for header in ["prefer: wait=60", "accept: text/event-stream"] {
        let request = format!("GET /orders/status/{id} HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n");

        attack(&host, 1500, |_| {
            let mut connection = RawConnection::open(&host);
            // OK to ignore: it may be refused.
            let _ = connection.try_send(&request);
            None
        });
    }
}

fn heads_that_never_end_hold_nobody_up() {
    let host = Setup::controlled().start();

    attack(&host, 200, |number| {
        let mut connection = RawConnection::open(&host);
        let part = &"GET /healthz HTTP/1.1\r\nhost: a\r\nx: 1"[..4 + number % 30];
        let _ = connection.try_send(part);
        Some(connection)
    });
}

fn readers_that_never_read_hold_nobody_up() {
    let host = Setup::controlled().start();
    let requests = "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(20);

    attack(&host, 100, |_| {
        let mut connection = RawConnection::open(&host);
        let _ = connection.try_send(&requests);
        Some(connection)
    });
}

/// Has each attacker do `one` so often, keeping what connections it returns, while an honest client
/// is served; and asserts that the host is well afterwards.
fn attack(host: &Host, times: usize, one: impl Fn(usize) -> Option<RawConnection> + Sync) {
    let over = AtomicBool::new(false);
    let served = together(ATTACKERS + 1, |thread| {
        if thread < ATTACKERS {
            let kept: Vec<_> = (0..times).filter_map(&one).collect();
            if thread == 0 {
                over.store(true, Relaxed);
            }
            return (kept, 0);
        }
        let mut served = 0;
        while served < 10 || !over.load(Relaxed) {
            be_honest(host);
            served += 1;
        }
        (Vec::new(), served)
    });
    // Also while the attackers keep what they have.
    be_honest(host);
    let bytes = resident_bytes(host);
    assert!(
        bytes < MEMORY_BYTES_MAX,
        "expected little memory, found {bytes} bytes"
    );
    drop(served);
    be_honest(host);
}

fn be_honest(host: &Host) {
    host.get("/healthz").send().expect_status(200);
    let id = uuid_in(&host.submit(order()).send());
    let status = host.get(&format!("/orders/status/{id}")).send().status;
    assert!([200, 303].contains(&status), "{status}");
}

/// The memory that the host's process has.
fn resident_bytes(host: &Host) -> u64 {
    let path = format!("/proc/{}/status", host.process_id());
    let status = std::fs::read_to_string(path).expect("the host runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes
        .and_then(|number| number.parse().ok())
        .expect("a process has memory");
    kibibytes * 1024
}
