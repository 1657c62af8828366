//! `wasm-shim`: a native host for an app of WASI components, described by its `spin.toml`.
//!
//! What this app means for a host. Stores are `kv`'s, components at run time are `host`'s, and Azure
//! is `azure`'s; none of them knows this crate, or an order. Here [`config`] decides what is to run,
//! `start` ties it together, `serve` speaks HTTP to clients, and [`dispatch`] has dispatched orders
//! run. `commands` begin and end all of it. Nothing here knows what the components compute.

mod admin;
mod bundle;
mod cli;
mod clock;
mod commands;
pub mod config;
mod configured;
mod dispatch;
mod fault;
mod logging;
mod metrics;
mod order;
mod routes;
mod runtime;
mod serve;
mod start;
mod stop;
mod sweeper;

pub use cli::{AppArgs, BundleArgs, Cli, Command, JobArgs, UpArgs};
pub use commands::run;
pub use fault::Fault;
pub use logging::init as init_logging;
pub use routes::{Route, Routes};
pub use stop::Signals;
