//! Why work was not done, as it tells the pattern and the client.

use protocol::{AttemptEnd, AttemptError};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Why the work was not done, or not all of it.
///
/// The client sees the message and the details in the order's `error`.
#[derive(Clone, Debug)]
pub struct WorkError {
    kind: Kind,
    error: AttemptError,
}

#[derive(Clone, Debug)]
enum Kind {
    Permanent,
    Partial { result: Box<RawValue> },
    Retryable { delay_ms: Option<u64> },
}

impl WorkError {
    /// Another attempt is of no use: the order fails. `message` says what went wrong, for people.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(Kind::Permanent, message)
    }

    /// Some of the work was done, which gave `result`, and another attempt at the rest is of no use: the
    /// order fails, and the client gets `result` beside the error.
    pub fn partial(message: impl Into<String>, result: &impl Serialize) -> Self {
        let message = message.into();
        match to_raw_value(result) {
            Ok(result) => Self::new(Kind::Partial { result }, message),
            Err(error) => Self::permanent(format!("{message}; the result is not JSON: {error}")),
        }
    }

    /// Another attempt may succeed: it is made after the usual back-off. After the last one the order fails.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::new(Kind::Retryable { delay_ms: None }, message)
    }

    /// As [`retryable`](Self::retryable), with the next attempt no sooner than after `delay_ms` milliseconds, if
    /// that is known.
    pub fn retryable_after(delay_ms: Option<u64>, message: impl Into<String>) -> Self {
        Self::new(Kind::Retryable { delay_ms }, message)
    }

    /// Adds what programs may want to know, as JSON: of [`DETAILS_BYTES_MAX`](protocol::DETAILS_BYTES_MAX)
    /// bytes at most, as more are not kept.
    #[must_use]
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        // Details that are no JSON are none: the message says what went wrong in any case.
        self.error.details = to_raw_value(details).ok();
        self
    }

    /// Whether another attempt may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, Kind::Retryable { .. })
    }

    /// What went wrong, for people.
    pub fn message(&self) -> &str {
        &self.error.message
    }

    /// The end of an attempt that failed so; `backoff_ms` gives the delay where the work knows none.
    pub fn into_attempt_end(self, backoff_ms: impl FnOnce() -> u64) -> AttemptEnd {
        let Self { kind, error } = self;
        match kind {
            Kind::Permanent => AttemptEnd::Permanent { error },
            Kind::Partial { result } => AttemptEnd::Partial { error, result },
            Kind::Retryable { delay_ms } => AttemptEnd::Retryable {
                error,
                delay_ms: delay_ms.unwrap_or_else(backoff_ms),
            },
        }
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            error: message.into().into(),
        }
    }
}
