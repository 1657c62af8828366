//! How a host is started: its settings, its state directory, and its command line.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::{HostKind, Output, Wasi, repository};

/// The settings of a host that is to be started, with a state directory of its own.
pub struct Setup {
    kind: HostKind,
    wasi: Wasi,
    state: Arc<TempDir>,
    manifest: PathBuf,
    runtime_config: Option<PathBuf>,
    listen: String,
    variables: Vec<String>,
    environment: Vec<(String, String)>,
    points: Mutex<Vec<(&'static str, String)>>,
}

impl Setup {
    /// The default settings: `spin.toml`, or what is in its place for WASI 0.2, as it is, on a free
    /// port.
    #[expect(
        clippy::new_without_default,
        reason = "a directory is made, which a default value should not do"
    )]
    pub fn new() -> Self {
        // OK because `run` has read the same variables before any test.
        let wasi = Wasi::from_environment().expect("`ORDERS_WASI` names a WASI");
        Self {
            kind: HostKind::current(),
            wasi,
            state: Arc::new(TempDir::new().expect("a temporary directory can be made")),
            manifest: repository::path(wasi.manifest()),
            runtime_config: None,
            listen: "127.0.0.1:0".to_owned(),
            variables: Vec::new(),
            environment: Vec::new(),
            points: Mutex::default(),
        }
    }

    /// The default settings, but orders may say how their work goes.
    pub fn controlled() -> Self {
        Self::new().variable("simulate_controls", "true")
    }

    /// Sets a variable of the application.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push(format!("{name}={value}"));
        self
    }

    /// Sets a variable of the host's environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives the host a runtime configuration.
    #[must_use]
    pub fn runtime_config(mut self, toml: &str) -> Self {
        self.runtime_config = Some(self.write("runtime-config.toml", toml));
        self
    }

    /// Gives the shim a limit other than its default, in a table that no other host has.
    #[must_use]
    pub fn shim_limits(self, toml: &str) -> Self {
        match self.kind {
            HostKind::Shim => self.runtime_config(&format!("[limits]\n{toml}\n")),
            HostKind::Spin => self,
        }
    }

    /// Serves another application, whose manifest is given relative to the repository's root.
    #[must_use]
    pub fn application(mut self, manifest: &str) -> Self {
        self.manifest = repository::path(manifest);
        self
    }

    /// Serves a changed manifest.
    #[must_use]
    pub fn manifest(mut self, change: impl FnOnce(&str) -> String) -> Self {
        let original = repository::read(self.wasi.manifest());
        let changed = change(&original);
        assert_ne!(changed, original, "expected the manifest to be changed");
        // A manifest's paths are relative to it, and this one is written elsewhere.
        let target = format!("\"{}/", repository::path("target").display());
        self.manifest = self.write("spin.toml", &changed.replace("\"target/", &target));
        self
    }

    /// Has the shim serve metrics as well, on a free port.
    #[must_use]
    pub fn with_metrics(self) -> Self {
        self.environment("ADMIN_LISTEN", "127.0.0.1:0")
    }

    /// Listens on this address instead of on a free port.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Has a clock that is so many milliseconds ahead of the machine's, or behind it.
    #[must_use]
    pub fn clock_off_by(self, ms: i64) -> Self {
        self.environment("WASM_SHIM_CLOCK_OFFSET_MS", &ms.to_string())
    }

    /// Has the next process kill itself at this point; the one after it lives on. The shim's
    /// `kv/src/crash.rs` says how points are named.
    #[must_use]
    pub fn crash_at(self, point: &str) -> Self {
        self.set_crash_point(point);
        self
    }

    /// Has the next process stop at this point, until it is [thawed](crate::Host::thaw).
    #[must_use]
    pub fn pause_at(self, point: &str) -> Self {
        self.set_pause_point(point);
        self
    }

    /// The directory in which the host keeps its state.
    pub fn state_dir(&self) -> &Path {
        self.state.path()
    }

    /// Starts a host that is expected to refuse, and waits until it has ended.
    pub fn start_refused(self) -> Refusal {
        let (mut child, output) = self.spawn();
        let serves = output.wait_for("the host to refuse or to serve", |line| {
            address_in(line).map(str::to_owned)
        });
        if serves.is_some() {
            // OK because a child that has not been waited for can be killed.
            child.kill().expect("the host can be killed");
        }
        let status = child.wait().expect("the host can be waited for");
        if let Some(address) = serves {
            panic!("expected the host to refuse to start, found that it serves {address}");
        }
        Refusal {
            code: status.code(),
            message: output.text(),
        }
    }

    /// Keeps its state where `other` does.
    pub(crate) fn share_state(&mut self, other: &Self) {
        self.state = Arc::clone(&other.state);
    }

    pub(crate) fn kind(&self) -> HostKind {
        self.kind
    }

    pub(crate) fn set_crash_point(&self, point: &str) {
        self.points().push(("WASM_SHIM_CRASH_AT", point.to_owned()));
    }

    pub(crate) fn set_pause_point(&self, point: &str) {
        self.points().push(("WASM_SHIM_PAUSE_AT", point.to_owned()));
    }

    /// What is in the environment of the next process alone.
    fn points(&self) -> MutexGuard<'_, Vec<(&'static str, String)>> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the process; the test that runs is shown what it prints.
    pub(crate) fn spawn(&self) -> (Child, Output) {
        let mut child = self
            .command()
            .spawn()
            .expect("the host was found before the first test");
        let name = format!("the host ({}, process {})", self.kind.name(), child.id());
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        let output = Output::collect(name, [Box::new(stdout), Box::new(stderr)]);
        output.show_if_the_test_fails();
        (child, output)
    }

    /// The command line by which one order of this host is worked on in a process of its own, with
    /// a runtime configuration of its own; the order's id is to be in its environment.
    pub fn job(&self, runtime_config: &str) -> Vec<OsString> {
        let config = self.write("job-config.toml", runtime_config);
        let mut line = vec![self.kind.program().into()];
        line.extend(self.arguments("job", Some(&config)));
        line
    }

    fn arguments(&self, command: &str, runtime_config: Option<&Path>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![command.into(), "--from".into()];
        arguments.push(self.manifest.clone().into());
        arguments.extend(["--state-dir".into(), self.state.path().into()]);
        if let Some(file) = runtime_config {
            arguments.extend(["--runtime-config-file".into(), file.into()]);
        }
        for variable in &self.variables {
            arguments.extend(["--variable".into(), variable.into()]);
        }
        arguments
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.kind.program());
        command
            .args(self.arguments("up", self.runtime_config.as_deref()))
            .args(["--listen", &self.listen])
            // Components are compiled once for all hosts of all runs, and nothing is left elsewhere.
            .env("XDG_CACHE_HOME", repository::path("target/cache"))
            .envs(self.environment.iter().cloned())
            .envs(self.points().drain(..));
        if self.kind == HostKind::Spin {
            // `spin up` serves from a child of its own, which outlives it unless the group is killed.
            command.process_group(0);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.state.path().join(name);
        fs::write(&path, text).expect("a file can be written to a temporary directory");
        path
    }
}

/// How a host ended that did not serve.
pub struct Refusal {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// All that it printed.
    pub message: String,
}

/// The address in the line by which a host says that it serves.
pub(crate) fn address_in(line: &str) -> Option<&str> {
    line.trim().strip_prefix("Serving http://")
}
