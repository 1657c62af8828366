//! `cargo xtask test`: builds what the black-box tests drive, then runs all tests.

use std::env;

use anyhow::{Result, bail};

use crate::wasi::Wasi;
use crate::workspace::PARTS;
use crate::{build, examples, process, setup};

/// Builds, then runs the tests whose name contains `filter`, or all.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    require_programs()?;
    build::run(Wasi::from_environment()?)?;
    examples::run()?;
    run_built(filter)
}

/// Runs the black-box tests on the components of WASI 0.2 that have been built.
pub(crate) fn run_built_wasi02() -> Result<()> {
    // Of all packages that were tested together, as the test was then compiled for their features.
    let [_shim, others] = PARTS;
    let mut cargo = process::cargo(&["test", "--release", "--test=black_box"]);
    process::run(cargo.args(others).env("ORDERS_WASI", "0.2"))
}

/// Runs tests on what has been built.
pub(crate) fn run_built(filter: Option<&str>) -> Result<()> {
    require_programs()?;
    for part in PARTS {
        // In the release profile, as the shim is, so that Wasmtime is compiled once.
        let mut cargo = process::cargo(&["test", "--release"]);
        process::run(cargo.args(part).args(filter))?;
    }
    Ok(())
}

/// Installs what the tests run, and refuses before the build what they would refuse after it.
fn require_programs() -> Result<()> {
    match env::var("ORDERS_HOST").as_deref() {
        Err(_) | Ok("" | "shim") => {}
        Ok("spin") if process::succeeds(process::command("spin").arg("--version")) => {}
        Ok("spin") => {
            bail!(
                "cannot run `spin`; install Spin 4.1 or later, or unset `ORDERS_HOST` to test the shim"
            )
        }
        Ok(other) => bail!("expected `ORDERS_HOST` to be `shim` or `spin`, found `{other}`"),
    }
    // The commands of README.md and the programs of docs/clients.md are run as they are written there.
    setup::require_program("curl", "curl")?;
    setup::require_program("node", "nodejs")?;
    setup::require_program("python3", "python3")?;
    setup::require_redis()
}
