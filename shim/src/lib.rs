//! `wasm-shim`: a native host for an app of WASI components, described by its `spin.toml`.
//!
//! [`config`] decides what is to run, [`kv`] keeps data, `host` runs components, `serve` speaks
//! HTTP to clients, and [`dispatch`] has dispatched orders run: in process, or by
//! [`container_apps`]. The commands tie them together. Nothing here knows what the components compute.

mod admin;
mod azure;
mod bundle;
mod cli;
mod clock;
pub mod config;
mod configured;
mod container_apps;
mod dispatch;
mod health;
mod host;
mod job;
pub mod kv;
mod logging;
mod metrics;
mod order;
mod runtime;
mod serve;
mod start;
mod stop;
mod sweep;
mod up;

pub use cli::{AppArgs, BundleArgs, Cli, Command, JobArgs, UpArgs};
pub use logging::init as init_logging;
pub use stop::Signals;

use std::process::ExitCode;

/// Runs one command to its end, or until one of `signals` stops it, and returns what the process
/// exits with.
pub fn run(command: Command, signals: Signals) -> ExitCode {
    // One provider for all TLS of the process. OK to ignore: it fails where one is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A service that is told to stop has done well; a task has not done what it was to do.
    signals.end_with(matches!(command, Command::Up(_)).then_some(0));
    match command {
        Command::Up(arguments) => up::run(&arguments, signals),
        Command::Job(arguments) => job::run(&arguments, signals),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Health { url } => health::run(&url),
    }
}
