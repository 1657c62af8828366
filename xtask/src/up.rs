//! `cargo xtask up`: builds everything and becomes the shim, which says what to try.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use crate::wasi::Wasi;
use crate::{build, native, process, workspace};

/// Builds and serves `spin.toml`; `args` are the shim's. Returns only if that fails.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    build::run(Wasi::default())?;
    let shim = workspace::root().join(native::shim());
    // The shim takes this process's place, so that signals reach it and its exit code is ours.
    let error = process::command(&shim.to_string_lossy())
        .arg("up")
        .args(args)
        .exec();
    Err(error).with_context(|| format!("cannot run `{}`", shim.display()))
}
