//! A running host for checks that are not written in Rust.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::{native, process, workspace};

/// Where its state goes, below the root; emptied at each start.
const STATE: &str = "target/check-state";

/// What announces the address, in the host's output.
const SERVING: &str = "Serving ";

/// A shim that serves on a port of its own, until this is dropped.
pub(crate) struct Host {
    child: Child,
    /// Where it serves, without a slash at the end.
    pub(crate) url: String,
}

impl Host {
    /// Starts the built shim with these variables, and waits until it serves.
    pub(crate) fn start(variables: &[&str]) -> Result<Self> {
        let state = workspace::root().join(STATE);
        if state.exists() {
            std::fs::remove_dir_all(&state).context("cannot empty the check's state directory")?;
        }
        let shim = native::shim();
        let mut command = process::command(&shim.to_string_lossy());
        command.args(["up", "--listen", "127.0.0.1:0", "--state-dir", STATE]);
        for variable in variables {
            command.args(["--variable", variable]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`", shim.display()))?;
        let output = child.stdout.take().context("the host has no output")?;
        let mut host = Self {
            child,
            url: String::new(),
        };
        let mut lines = BufReader::new(output).lines();
        for line in lines.by_ref() {
            if let Some(url) = line?.strip_prefix(SERVING) {
                url.clone_into(&mut host.url);
                break;
            }
        }
        // Read on, so that the host never waits for somebody to take its output.
        std::thread::spawn(move || lines.for_each(drop));
        anyhow::ensure!(!host.url.is_empty(), "the host ended before it served");
        Ok(host)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // OK to ignore: it has ended already then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
