//! A host that runs: a child process that is killed, at the latest, when its test ends.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use ureq::Agent;

use crate::setup::address_in;
use crate::{HostKind, Output, Request, Setup, until};

/// A running host.
pub struct Host {
    setup: Setup,
    // Shared hosts are stopped through a shared reference.
    process: Mutex<Child>,
    output: Output,
    address: SocketAddr,
    agent: Agent,
}

static SHARED: OnceLock<Host> = OnceLock::new();

/// Kills the host that the tests shared, and removes its state: a static is never dropped.
pub(crate) fn stop_shared() {
    if let Some(host) = SHARED.get() {
        host.kill();
        // What cannot be removed is left to the system, as all temporary files are.
        let _ = fs::remove_dir_all(host.state_dir());
    }
}

impl Host {
    /// One host for all tests that need no settings and leave others alone; its orders may say how
    /// their work goes.
    pub fn shared() -> &'static Self {
        let host = SHARED.get_or_init(|| Setup::controlled().start());
        host.output.show_if_the_test_fails();
        host
    }

    fn start(setup: Setup) -> Self {
        let (process, output) = setup.spawn();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        // Made before it is known to serve, so that it is killed if it never does.
        let mut host = Self {
            setup,
            process: Mutex::new(process),
            output,
            address,
            agent,
        };
        host.address = host.served_address();
        host
    }

    /// A process that was started and may not serve yet.
    fn begin(setup: Setup) -> Self {
        let (process, output) = setup.spawn();
        Self {
            setup,
            process: Mutex::new(process),
            output,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            agent: Agent::new_with_defaults(),
        }
    }

    /// Kills the process if it still runs, and starts another one on the same state.
    ///
    /// It serves on another port, as the first one's may have been taken.
    pub fn restart(&mut self) {
        self.kill();
        let (process, output) = self.setup.spawn();
        self.process = Mutex::new(process);
        self.output = output;
        self.address = self.served_address();
    }

    /// Runs a process on the same state that kills itself at `point` with nobody asking anything
    /// of it, and waits for its end.
    pub fn run_to_crash(&mut self, point: &str) -> ExitStatus {
        self.kill();
        self.setup.set_crash_point(point);
        let (process, output) = self.setup.spawn();
        self.process = Mutex::new(process);
        self.output = output;
        self.wait()
    }

    /// Runs a process on the same state that stops itself at `point` with nobody asking anything of
    /// it, and waits for that. It does not serve before it is [resumed](Self::resume).
    pub fn run_to_stop(&mut self, point: &str) {
        self.kill();
        self.setup.set_pause_point(point);
        let (process, output) = self.setup.spawn();
        self.process = Mutex::new(process);
        self.output = output;
        self.wait_until_stopped();
    }

    /// Lets the process go on, and waits until it serves.
    pub fn resume(&mut self) {
        self.thaw();
        self.address = self.served_address();
    }

    /// The address at which it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The directory in which it keeps its state.
    pub fn state_dir(&self) -> &Path {
        self.setup.state_dir()
    }

    /// What it has printed and will print.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Begins a request.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.agent.clone(), self.address, method, path)
    }

    /// Begins a GET request.
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// The status and the content that the admin address answers a GET with, of a host that was set
    /// up [`with_metrics`](Setup::with_metrics). It is no part of the contract with clients.
    pub fn get_admin(&self, path: &str) -> (u16, String) {
        let address = self
            .output
            .wait_for("the host to name its admin address", |line| {
                let url = line.trim().strip_prefix("http://")?;
                url.strip_suffix("/metrics").map(str::to_owned)
            });
        let address = address.unwrap_or_else(|| panic!("the host ended before it served"));
        let answer = self.agent.get(format!("http://{address}{path}")).call();
        let mut answer =
            answer.unwrap_or_else(|error| panic!("`{path}` was not answered: {error}"));
        let text = answer.body_mut().read_to_string();
        (
            answer.status().as_u16(),
            text.expect("the content of an answer is text"),
        )
    }

    /// Begins a POST of an order's JSON text.
    pub fn submit(&self, order: impl AsRef<[u8]>) -> Request {
        self.request("POST", "/orders")
            .header("content-type", "application/json")
            .body(order)
    }

    /// Asks the process to end, with SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops the process as a whole, as a machine does that is starved; it does not know.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets the process go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until the process has stopped itself at the point that its setup names.
    pub fn wait_until_stopped(&self) {
        until("the host to stop itself", || {
            let process = WaitId::Pid(Pid::from_child(&self.process()));
            // Asks for a stop alone, so that an end is left to whoever waits for it.
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
            let stopped = waitid(process, options)
                .unwrap_or_else(|error| panic!("the host ended before it stopped: {error}"));
            stopped.map(drop)
        });
    }

    fn signal(&self, signal: Signal) {
        // OK because the process has not been waited for, so that its number is still its own.
        kill_process(Pid::from_child(&self.process()), signal).expect("the host can be signalled");
    }

    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.process().id()
    }

    /// Whether its process has ended.
    pub fn has_ended(&self) -> bool {
        // OK because the process is a child of this one.
        let ended = self.process().try_wait().expect("the host can be asked");
        ended.is_some()
    }

    /// Waits until the process has ended by itself.
    pub fn wait(&self) -> ExitStatus {
        self.output.wait_for_end();
        self.process().wait().expect("the host can be waited for")
    }

    /// Kills the process at once, with SIGKILL: it gets no chance to clean up.
    pub fn kill(&self) {
        let mut process = self.process();
        if !matches!(process.try_wait(), Ok(None)) {
            return;
        }
        // Neither can fail for a process that has not been waited for, and a drop must not panic.
        if self.setup.kind() == HostKind::Spin {
            let _ = kill_process_group(Pid::from_child(&process), Signal::KILL);
        } else {
            let _ = process.kill();
        }
        let _ = process.wait();
    }

    fn served_address(&self) -> SocketAddr {
        let address = self.output.wait_for("the host to serve", |line| {
            address_in(line).map(str::to_owned)
        });
        let address = address.unwrap_or_else(|| panic!("the host ended before it served"));
        address
            .parse()
            .unwrap_or_else(|error| panic!("expected an address, found `{address}`: {error}"))
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What starts a host.
impl Setup {
    /// Keeps its state where `host` does, which goes on.
    #[must_use]
    pub fn beside(mut self, host: &Host) -> Self {
        self.share_state(&host.setup);
        self
    }

    /// Starts the host and waits until it serves.
    pub fn start(self) -> Host {
        Host::start(self)
    }

    /// Starts the host and does not wait for anything: all that it can be is signalled and waited for.
    pub fn begin(self) -> Host {
        Host::begin(self)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}
