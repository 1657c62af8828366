//! What was typed: the raw arguments, as `clap` parses them. What they mean, and whether they
//! fit the app, is decided in [`config`](crate::config).

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Runs an app of WASI components from its `spin.toml`, without Spin.
#[derive(Debug, Parser)]
#[command(name = "wasm-shim", version, about, long_about = None)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands, in the order in which help lists them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the app over HTTP until SIGTERM or SIGINT.
    Up(UpArgs),
    /// Work on one order, then exit: 0 completed, 1 not completed, 2 misuse, 3 not there or held by another.
    Job(JobArgs),
    /// Run one sweep and print what it answered.
    Sweep(AppArgs),
    /// Write a copy of this executable with an app inside, compiled for processors of this kind.
    Bundle(BundleArgs),
    /// Exit 0 if a GET of URL answers 2xx, 1 otherwise.
    Health {
        /// The URL to ask, such as `http://127.0.0.1:3000/healthz`.
        url: String,
    },
}

/// What every command needs to know of the app.
#[derive(Debug, Default, Args)]
pub struct AppArgs {
    /// The app's manifest, or the directory that holds its `spin.toml` [default: the app inside
    /// this executable, if it has one, else `spin.toml`].
    #[arg(short = 'f', long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Where state is kept [default: `.spin` beside the manifest, or in the working directory].
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// A TOML file that says where stores are kept and how much may run at once.
    #[arg(long, env = "RUNTIME_CONFIG_FILE", value_name = "FILE")]
    pub runtime_config_file: Option<PathBuf>,
    /// Wasmtime's cache configuration, which says where compiled components are kept [default: in the
    /// user's cache directory].
    #[arg(long, env = "WASMTIME_CACHE_FILE", value_name = "FILE")]
    pub cache: Option<PathBuf>,
    /// Compile the components at each start.
    #[arg(long, env = "DISABLE_WASMTIME_CACHE")]
    pub disable_cache: bool,
    /// Sets a variable of the app; `SPIN_VARIABLE_NAME` in the environment does it too. `NAME=@FILE` reads
    /// the value from a file, `@FILE.json` or `@FILE.toml` several.
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
}

/// Arguments of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// The app.
    #[command(flatten)]
    pub app: AppArgs,
    /// The address to serve on; port 0 lets the system choose.
    #[arg(
        long,
        env = "SPIN_HTTP_LISTEN_ADDR",
        default_value = "127.0.0.1:3000",
        value_name = "ADDRESS"
    )]
    pub listen: String,
    /// An address to serve metrics on, at `/metrics` [default: none]; not one that clients reach.
    #[arg(long, env = "ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<String>,
}

/// Arguments of `job`.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The app.
    #[command(flatten)]
    pub app: AppArgs,
    /// The order to work on.
    #[arg(long, env = "ORDER_ID", value_name = "ID")]
    pub order_id: String,
}

/// Arguments of `bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// The app's manifest, or the directory that holds its `spin.toml`.
    #[arg(short = 'f', long, default_value = "spin.toml", value_name = "FILE")]
    pub from: PathBuf,
    /// The executable to write.
    pub output: PathBuf,
}
