//! `cargo xtask bench`: builds and installs what the benchmarks compare, then runs them.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::wasi::Wasi;
use crate::{build, process, setup, workspace};

/// What is written in JavaScript, and where it is installed.
const PEERS: &str = "bench/peers";
const INSTALLED: &str = "target/bench/peers";

/// What is run, and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Its name, such as `submits`
    name: Option<String>,
    /// Measure for less time than good figures take: all in under five minutes
    #[arg(long)]
    quick: bool,
    /// Keep what `peers` measures in `bench/results/` and in `docs/performance.md`
    #[arg(long, conflicts_with = "quick")]
    record: bool,
}

/// Runs the benchmark that is named, or all.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::require_redis()?;
    setup::require_program("npm", "npm")?;
    // One of many that are compared, and the largest to install: without it the others are.
    if let Err(error) = setup::require_postgresql() {
        eprintln!("pg-boss will be skipped: {error:#}");
    }
    build::run(Wasi::default())?;
    // The ceiling is built as `bench/hello/spin.toml` says.
    process::run(&mut process::cargo(&[
        "build",
        "--config=.cargo/component.toml",
        "--target",
        setup::WASM_TARGET,
        "--release",
        "--package=bench-hello",
    ]))?;
    let floor = ["build", "--release", "--package=bench-floor"];
    process::run(&mut process::cargo(&floor))?;
    install_peers()?;
    let mut bench = process::cargo(&["run", "--release", "--package=bench", "--"]);
    bench.args(&arguments.name);
    // With it each error takes a backtrace along, on hosts whose users set it for nobody's requests.
    bench.env_remove("RUST_BACKTRACE");
    bench.args(arguments.quick.then_some("--quick"));
    process::run(bench.args(arguments.record.then_some("--record")))
}

/// Copies the peers into `target/` and installs their packages there, if that is not done.
fn install_peers() -> Result<()> {
    let (from, to) = (
        workspace::root().join(PEERS),
        workspace::root().join(INSTALLED),
    );
    let lock = "package-lock.json";
    let is_installed = to.join("node_modules").is_dir()
        && fs::read(from.join(lock)).ok() == fs::read(to.join(lock)).ok();
    fs::create_dir_all(&to).with_context(|| format!("cannot create `{INSTALLED}`"))?;
    for entry in fs::read_dir(&from).with_context(|| format!("cannot read `{PEERS}`"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))
                .with_context(|| format!("cannot copy `{}`", entry.path().display()))?;
        }
    }
    if is_installed {
        return Ok(());
    }
    // Without their scripts: none of them needs to be built, and one tells its author of the install.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    process::run(
        process::command("npm")
            .args(arguments)
            .args(["--prefix", INSTALLED]),
    )
}
