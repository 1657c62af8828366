//! The trigger of any app: claim an order, run the app's work, settle, and tell of the end.
//!
//! Triggered by a private route, so that only the app's own components and its host
//! reach it.

mod request;
mod route;

mod attempt;
mod company;
mod lease;
mod notify;

mod dispatch;
mod expire;
mod sweep;

mod notification;
mod secret;

mod any_work;
mod app;
mod problem;
mod settings;

/// How long ago that was, in milliseconds, by a clock that is never set.
fn elapsed_ms(since: std::time::Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How long to wait before an order's next attempt, in milliseconds.
fn retry_delay_ms(attempt: u32) -> u64 {
    protocol::backoff_ms(attempt, u64::from_le_bytes(guest::random()))
}

pub use route::answer;
