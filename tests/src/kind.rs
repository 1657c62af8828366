//! Which host the tests run against.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::{Wasi, repository};

/// A program that can serve `spin.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// This repository's own host, `wasm-shim`.
    Shim,
    /// The `spin` on the PATH.
    Spin,
}

/// By how much Spin carries less than the shim. It commits each write by itself, and with 64 clients
/// takes some 300 orders a second to SQLite, each in up to 650 ms; the shim commits in groups.
const SPIN_SLOWER: u32 = 4;

impl HostKind {
    /// The host of this run.
    pub fn current() -> Self {
        // OK because `run` has read the same variable before any test.
        Self::from_environment().expect("`ORDERS_HOST` names a host")
    }

    /// How many times as long as the shim this host may take.
    pub fn slowness(self) -> u32 {
        match self {
            Self::Shim => 1,
            Self::Spin => SPIN_SLOWER,
        }
    }

    /// So much of a load that this host carries it in the time that the shim takes for all of it.
    pub fn share_of(self, load: usize) -> usize {
        load.div_ceil(self.slowness() as usize)
    }

    /// The host that `ORDERS_HOST` names; the shim if it names none.
    ///
    /// # Errors
    /// If it names something else.
    pub fn from_environment() -> Result<Self> {
        match env::var("ORDERS_HOST").as_deref() {
            Err(_) | Ok("" | "shim") => Ok(Self::Shim),
            Ok("spin") => Ok(Self::Spin),
            Ok(other) => bail!("expected `ORDERS_HOST` to be `shim` or `spin`, found `{other}`"),
        }
    }

    /// The name by which `ORDERS_HOST` chooses this host.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shim => "shim",
            Self::Spin => "spin",
        }
    }

    /// Checks that everything the host needs has been built or installed, with the components of `wasi`.
    ///
    /// # Errors
    /// With a sentence that says which command to run.
    pub fn check(self, wasi: Wasi) -> Result<()> {
        if self == Self::Spin && !runs(&self.program()) {
            bail!(
                "cannot run `spin`; install Spin 4.1 or later, or unset `ORDERS_HOST` to test the shim"
            );
        }
        for path in self.built_files(wasi) {
            if !path.is_file() {
                bail!(
                    "cannot find `{}`; run `{}` first",
                    path.display(),
                    wasi.build()
                );
            }
        }
        Ok(())
    }

    pub(crate) fn program(self) -> PathBuf {
        match self {
            Self::Shim => shim(),
            Self::Spin => PathBuf::from("spin"),
        }
    }

    fn built_files(self, wasi: Wasi) -> Vec<PathBuf> {
        let mut files: Vec<_> = wasi.components().map(repository::path).into();
        if self == Self::Shim {
            files.push(shim());
        }
        files
    }
}

/// The shim that was built beside this program.
fn shim() -> PathBuf {
    // OK because a program knows where it is on every system that a host runs on.
    let program = env::current_exe().expect("this program has a path");
    let directory = program.parent().unwrap_or(Path::new(""));
    let directory = match directory.file_name() {
        // Where Cargo puts tests.
        Some(name) if name == "deps" => directory.parent().unwrap_or(directory),
        _ => directory,
    };
    directory.join("wasm-shim")
}

fn runs(program: &PathBuf) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
