//! The orders that benchmarks send, and the store that is looked at from beside the host.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::load::{Load, Pace, get, post};

/// An order as clients send it.
pub fn order() -> String {
    tests::order()
}

/// An order whose work takes that long, and goes that way.
pub fn order_that(ms: u64, outcome: &str) -> String {
    tests::order_that(&json!({"ms": ms, "outcome": outcome}))
}

/// A load of submissions of one order.
pub fn submissions(address: SocketAddr, order: &str) -> Load {
    submissions_to(address, "/orders", order)
}

/// The same to a path of its own.
pub fn submissions_to(address: SocketAddr, path: &str, order: &str) -> Load {
    Load {
        addresses: vec![address],
        requests: Arc::new(vec![post(path, order)]),
        statuses: &[202],
        connections: 16,
        pace: Pace::Count(1),
    }
}

/// Submits one order so often, and returns the paths of the statuses.
pub fn submit(address: SocketAddr, order: &str, count: usize) -> Result<Vec<String>> {
    submit_to(address, "/orders", order, count)
}

/// The same to a path of its own.
pub fn submit_to(
    address: SocketAddr,
    path: &str,
    order: &str,
    count: usize,
) -> Result<Vec<String>> {
    let load = Load {
        pace: Pace::Count(count),
        ..submissions_to(address, path, order)
    };
    let locations = load.send()?.locations;
    ensure!(
        locations.len() == count,
        "expected {count} orders, found {}",
        locations.len()
    );
    Ok(locations)
}

/// A load of reads of these paths.
pub fn reads(address: SocketAddr, paths: &[String]) -> Load {
    Load {
        requests: Arc::new(paths.iter().map(|path| get(path)).collect()),
        statuses: &[200, 303],
        ..submissions(address, "")
    }
}
