//! `cargo xtask bench`: builds and installs what the benchmarks compare, then runs them.

use std::fs;

use anyhow::{Context, Result};

use crate::wasi::Wasi;
use crate::{build, process, setup, workspace};

/// The baseline's sources, and where it is installed.
const BASELINE: &str = "bench/baseline";
const INSTALLED: &str = "target/bench/baseline";

/// Runs the benchmark called `name`, or all.
pub(crate) fn run(name: Option<&str>) -> Result<()> {
    setup::require_redis()?;
    setup::require_program("npm", "npm")?;
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
    install_baseline()?;
    let mut bench = process::cargo(&["run", "--release", "--package=bench", "--"]);
    process::run(bench.args(name))
}

/// Copies the baseline into `target/` and installs its packages there, if that is not done.
fn install_baseline() -> Result<()> {
    let (from, to) = (
        workspace::root().join(BASELINE),
        workspace::root().join(INSTALLED),
    );
    let lock = "package-lock.json";
    let is_installed = to.join("node_modules").is_dir()
        && fs::read(from.join(lock)).ok() == fs::read(to.join(lock)).ok();
    fs::create_dir_all(&to).with_context(|| format!("cannot create `{INSTALLED}`"))?;
    for file in ["server.js", "package.json", ".npmrc", lock] {
        fs::copy(from.join(file), to.join(file))
            .with_context(|| format!("cannot copy `{BASELINE}/{file}`"))?;
    }
    if is_installed {
        return Ok(());
    }
    let arguments = ["ci", "--no-audit", "--no-fund", "--prefix", INSTALLED];
    process::run(process::command("npm").args(arguments))
}
