//! The limits that keep one client or one component from taking everything: the table `[limits]`
//! of the runtime configuration, with a default and a reason for each.

use crate::fault::Fault;
use host::InstanceLimits;
use serde::Deserialize;
use std::path::Path;

/// Every limit of the host. Units are last in the names.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open client connections; the next is answered `503` and closed.
    pub connections_max: usize,
    /// Those of one client; the next is answered `429` and closed. A client is an IPv4 address, or
    /// an IPv6 network of 64 bits. Half of all, because many clients may share an address.
    pub peer_connections_max: usize,
    /// Requests that wait for a response at once; the next is answered `503` with `Retry-After`.
    pub requests_max: usize,
    /// Requests with `Prefer: wait`, and event streams, at once; the next is answered `503` with
    /// `Retry-After`. Below `requests_max`, so that those who only ask always find room.
    pub waiters_max: usize,
    /// Those of one client; the next is answered `429` with `Retry-After`.
    pub peer_waiters_max: usize,
    /// How long a client may take to send a request's head, and how long a kept-alive connection
    /// may lie idle. Longer than the minute for which load balancers keep connections, so that
    /// it is they who close first.
    pub header_seconds_max: u64,
    /// How long a client may take nothing of an answer; then its connection is closed.
    pub write_seconds_max: u64,
    /// The largest request head.
    pub header_bytes_max: usize,
    /// How long a client may pause within a request's body; then `408`.
    pub body_seconds_max: u64,
    /// The largest request body that reaches a component at all. Above the app's own
    /// `max_body_bytes`, so that it is the app that answers `413` and says why.
    pub body_bytes_max: u64,
    /// How long a component may take to answer a client; then `504`. Above the app's
    /// `max_wait_seconds`, for which clients may ask to wait.
    pub request_seconds_max: u64,
    /// How long a component that serves clients may work on after its last answer.
    pub tail_seconds_max: u64,
    /// How long a component may compute without once waiting for anything; then it is trapped.
    pub guest_busy_seconds_max: u64,
    /// The memory of one instance.
    pub instance_memory_bytes_max: usize,
    /// The memory that all instances of the component that serves clients have when no more of
    /// them are made; what comes then waits for those that live. It counts where an instance
    /// serves several requests (WASI 0.3).
    pub serving_memory_bytes_max: usize,
    /// Instances of all components together.
    pub instances_max: usize,
    /// How many requests an instance of the component that serves clients has in hand at once.
    pub instance_requests_max: usize,
    /// How many requests an instance serves before a fresh one takes its place: as in Spin. More
    /// made nothing faster when measured, and this bounds what a component can leak.
    pub instance_reuse_max: usize,
    /// How long an instance without work is kept.
    pub instance_idle_seconds: u64,
    /// How long to wait for an outbound connection.
    pub outbound_connect_seconds_max: u64,
    /// How long to wait for an outbound response, and between two pieces of it, where the component
    /// does not say for how long. The processor does, for a worker: by `worker_timeout_seconds`.
    pub outbound_response_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            peer_connections_max: 5000,
            requests_max: 4096,
            waiters_max: 3072,
            peer_waiters_max: 1536,
            header_seconds_max: 75,
            write_seconds_max: 30,
            header_bytes_max: 32 * 1024,
            body_seconds_max: 15,
            body_bytes_max: 8 * 1024 * 1024,
            request_seconds_max: 90,
            tail_seconds_max: 30,
            guest_busy_seconds_max: 60,
            instance_memory_bytes_max: 128 * 1024 * 1024,
            serving_memory_bytes_max: 96 * 1024 * 1024,
            instances_max: 1000,
            instance_requests_max: 16,
            instance_reuse_max: 128,
            instance_idle_seconds: 1,
            outbound_connect_seconds_max: 10,
            outbound_response_seconds: 120,
        }
    }
}

impl Limits {
    /// Those that are held where instances are.
    pub(crate) fn of_instances(&self) -> InstanceLimits {
        InstanceLimits {
            instances_max: self.instances_max,
            guest_busy_seconds_max: self.guest_busy_seconds_max,
            instance_memory_bytes_max: self.instance_memory_bytes_max,
            outbound_connect_seconds_max: self.outbound_connect_seconds_max,
            outbound_response_seconds: self.outbound_response_seconds,
        }
    }

    /// Reports limits with which nothing could be served.
    pub(super) fn check(&self, path: &Path, faults: &mut Vec<Fault>) {
        /// hyper's smallest buffer.
        const HEADER_BYTES_MIN: usize = 8192;
        let mut at_least = |name: &str, value: u64, least: u64| {
            if value < least {
                faults.push(Fault::new(format!(
                    "`{}` has `{name} = {value}` in [limits]; set it to {least} or more",
                    path.display()
                )));
            }
        };
        at_least("connections_max", self.connections_max as u64, 1);
        at_least("peer_connections_max", self.peer_connections_max as u64, 1);
        at_least("requests_max", self.requests_max as u64, 1);
        at_least("header_seconds_max", self.header_seconds_max, 1);
        at_least("write_seconds_max", self.write_seconds_max, 1);
        at_least(
            "header_bytes_max",
            self.header_bytes_max as u64,
            HEADER_BYTES_MIN as u64,
        );
        at_least("body_seconds_max", self.body_seconds_max, 1);
        at_least("request_seconds_max", self.request_seconds_max, 1);
        at_least("guest_busy_seconds_max", self.guest_busy_seconds_max, 1);
        at_least(
            "instance_memory_bytes_max",
            self.instance_memory_bytes_max as u64,
            4 << 20,
        );
        at_least("instances_max", self.instances_max as u64, 2);
        at_least(
            "instance_requests_max",
            self.instance_requests_max as u64,
            1,
        );
        at_least("instance_reuse_max", self.instance_reuse_max as u64, 1);
        at_least(
            "outbound_connect_seconds_max",
            self.outbound_connect_seconds_max,
            1,
        );
        at_least(
            "outbound_response_seconds",
            self.outbound_response_seconds,
            1,
        );
    }
}
