//! The processor: claim an order, run the work, settle.
//!
//! Triggered by a private route, so that only this app's own components and its host
//! reach it. To make it do your work, replace `work.rs`; nothing else here needs to know.

mod route;

mod attempt;
mod company;
mod lease;

mod dispatch;
mod expire;
mod sweep;

mod contract;
mod simulate;
mod work;
mod worker;

mod app;
mod problem;
mod settings;

/// How long ago that was, in milliseconds, by a clock that is never set.
fn elapsed_ms(since: std::time::Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

guest::serve!(route::answer);
