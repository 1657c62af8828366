//! What the host counts, for Prometheus: by OpenTelemetry's names where it has one, written as
//! Prometheus writes them.
//!
//! What happens is noted when it does, which costs a request two locks that nobody holds for long.
//! How much goes on at the moment is not kept here: whoever asks has it looked up
//! ([`Now`](crate::admin::Now)).

use http::{Method, StatusCode};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Upper bounds of durations of requests, in seconds: OpenTelemetry's advice for
/// `http.server.request.duration`, one below it, as most are answered sooner, and two above it for
/// answers that are held.
const REQUEST_SECONDS: [f64; 17] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0,
    60.0,
];

/// Upper bounds of durations of attempts, in seconds.
const ATTEMPT_SECONDS: [f64; 11] = [
    0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];

/// What is counted. Clones count together.
#[derive(Clone)]
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Histogram>,
    attempts: Family<AttemptLabels, Histogram>,
    sweeps: Sweeps,
}

#[derive(Clone, Default)]
struct Sweeps {
    open: Gauge,
    ended: Gauge,
    dispatched: Counter,
    removed: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_request_method: &'static str,
    http_response_status_code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    outcome: &'static str,
}

/// How an attempt in this process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempted {
    /// The order is completed.
    Completed,
    /// The order has failed.
    Failed,
    /// The order is to be attempted again.
    Retried,
    /// Nothing came of it: somebody else has the order, it has ended, was cancelled or is gone, or
    /// it is not due.
    NotNeeded,
    /// There was none: the component could not begin it.
    Refused,
    /// The component's instance failed, by this attempt or by another.
    Crashed,
}

impl Attempted {
    fn label(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::NotNeeded => "not_needed",
            Self::Refused => "refused",
            Self::Crashed => "crashed",
        }
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub(crate) fn new() -> Self {
        Self {
            requests: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            attempts: Family::new_with_constructor(|| Histogram::new(ATTEMPT_SECONDS)),
            sweeps: Sweeps::default(),
        }
    }

    /// Notes a request by a client, and how long its answer took to begin.
    pub(crate) fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let labels = RequestLabels {
            http_request_method: known(method),
            http_response_status_code: status.as_u16(),
        };
        let histogram = self.requests.get_or_create(&labels);
        histogram.observe(took.as_secs_f64());
    }

    /// Notes an attempt in this process.
    pub(crate) fn attempted(&self, attempted: Attempted, took: Duration) {
        let labels = AttemptLabels {
            outcome: attempted.label(),
        };
        let histogram = self.attempts.get_or_create(&labels);
        histogram.observe(took.as_secs_f64());
    }

    /// Notes what a sweep found whose turn it was.
    pub(crate) fn swept(&self, open: i64, due: u64, now: Timestamp) {
        let sweeps = &self.sweeps;
        sweeps.open.set(open);
        sweeps.ended.set(now.as_second());
        sweeps.dispatched.inc_by(due);
    }

    /// Notes how many orders were removed because their retention had ended.
    pub(crate) fn removed(&self, orders: u64) {
        self.sweeps.removed.inc_by(orders);
    }

    /// Adds all of it to `registry`, under its names.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_server_request_duration",
            "Time until the answer to a client's request began, held answers included",
            Unit::Seconds,
            self.requests.clone(),
        );
        registry.register_with_unit(
            "orders_attempt_duration",
            "Time that an attempt in this process took, by what came of it",
            Unit::Seconds,
            self.attempts.clone(),
        );
        let sweeps = &self.sweeps;
        registry.register(
            "orders_open",
            "Orders that have not ended, as the latest sweep of this replica found",
            sweeps.open.clone(),
        );
        registry.register_with_unit(
            "orders_sweep_timestamp",
            "When the latest sweep of this replica ended, in Unix time; 0 if there was none",
            Unit::Seconds,
            sweeps.ended.clone(),
        );
        registry.register(
            "orders_sweep_dispatched",
            "Orders that sweeps of this replica found due: new, to be retried, or left by a processor that died",
            sweeps.dispatched.clone(),
        );
        registry.register(
            "orders_sweep_removed",
            "Orders that sweeps of this replica removed because their retention had ended",
            sweeps.removed.clone(),
        );
    }
}

/// OpenTelemetry's rule for `http.request.method`: what is unknown has one name, so that clients
/// cannot make labels up.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_unknown_makes_no_label_of_its_own() {
        let made_up = Method::from_bytes(b"BREW").expect("a token");
        assert_eq!(known(&made_up), "_OTHER");
        assert_eq!(known(&Method::DELETE), "DELETE");
    }
}
