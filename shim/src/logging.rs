//! The log: one JSON object a line on standard error, as much as `RUST_LOG` asks for.

use std::io::stderr;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Sends events to standard error from now on. Standard output is for what a person or a script
/// reads: the address, a sweep's answer.
pub fn init() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(stderr)
        .init();
}
