//! `cargo xtask build`: the components, by the commands that `spin build` runs, and the shim.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::wasi::Wasi;
use crate::workspace::{self, SpinManifest};
use crate::{native, process, setup};

/// Builds the components alone.
pub(crate) fn components(wasi: Wasi) -> Result<SpinManifest> {
    setup::require_wasm_target()?;
    let manifest = SpinManifest::read(wasi)?;
    for component in manifest.component.values() {
        process::run(process::command("sh").args(["-c", &component.build.command]))?;
    }
    Ok(manifest)
}

/// Builds everything and says how large it is.
pub(crate) fn run(wasi: Wasi) -> Result<()> {
    let manifest = components(wasi)?;
    process::run(&mut process::cargo(&[
        "build",
        "--release",
        "--package",
        "wasm-shim",
    ]))?;

    let components = manifest
        .component
        .values()
        .map(|component| component.source.as_path());
    for file in components.chain([native::shim().as_path()]) {
        report(file)?;
    }
    Ok(())
}

/// Says how large a file is.
pub(crate) fn report(file: &Path) -> Result<()> {
    let metadata = fs::metadata(workspace::root().join(file))
        .with_context(|| format!("expected the build to leave `{}`", file.display()))?;
    println!(
        "{:>7} KiB  {}",
        metadata.len().div_ceil(1024),
        file.display()
    );
    Ok(())
}
