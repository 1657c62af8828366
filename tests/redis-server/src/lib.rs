//! A real Redis server of a test's own, on a free port, with data that outlast its process; and a
//! way to it that can be cut, or lead elsewhere.
//!
//! Everything here panics if what it needs is not so: that is how a test fails.

#![expect(
    clippy::missing_panics_doc,
    reason = "said once, above, for the whole crate"
)]

mod proxy;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use proxy::Proxy;

/// How many ports are tried: another process may take a free one before the server does.
const PORTS_MAX: usize = 10;

/// How long a server that is watched may do nothing: far more than any test needs.
const QUIET_MAX: Duration = Duration::from_mins(1);

/// A running server, which is killed, and its data removed, when this is dropped.
pub struct RedisServer {
    directory: TempDir,
    settings: Vec<String>,
    port: u16,
    is_tls: bool,
    process: Mutex<Child>,
}

impl RedisServer {
    /// Starts one that answers a write after its fsync.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts one with settings of its own, as on its command line.
    pub fn start_with(settings: &[&str]) -> Self {
        let settings = settings.iter().copied().map(str::to_owned).collect();
        Self::start_in(new_directory(), settings, false)
    }

    /// Starts one that speaks TLS alone, with a certificate that is its own authority.
    pub fn start_with_tls() -> Self {
        let directory = new_directory();
        let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .expect("a certificate can be made");
        let [certificate, key] =
            ["certificate.pem", "key.pem"].map(|name| directory.path().join(name));
        fs::write(&certificate, authority.cert.pem()).expect("a file can be written");
        fs::write(&key, authority.signing_key.serialize_pem()).expect("a file can be written");
        let mut settings: Vec<String> = ["--tls-auth-clients", "no", "--tls-cert-file"]
            .map(str::to_owned)
            .into();
        settings.push(certificate.display().to_string());
        settings.extend(["--tls-key-file".to_owned(), key.display().to_string()]);
        Self::start_in(directory, settings, true)
    }

    fn start_in(directory: TempDir, settings: Vec<String>, is_tls: bool) -> Self {
        for _ in 0..PORTS_MAX {
            let port = free_port();
            if let Some(process) = spawn(&directory, &settings, port, is_tls) {
                return Self {
                    directory,
                    settings,
                    port,
                    is_tls,
                    process: Mutex::new(process),
                };
            }
        }
        panic!("`redis-server` did not start on any of {PORTS_MAX} free ports");
    }

    /// Its address, with a database's number.
    pub fn url(&self, database: u8) -> String {
        // A certificate is for a name.
        let place = if self.is_tls {
            "rediss://localhost"
        } else {
            "redis://127.0.0.1"
        };
        format!("{place}:{}/{database}", self.port)
    }

    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.process().id()
    }

    /// The port that it listens on, of the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The Unix socket that it listens on too.
    pub fn socket(&self) -> PathBuf {
        socket(&self.directory)
    }

    /// Connects as another client.
    pub fn connect(&self) -> redis::Connection {
        // OK because it is an address of this server's.
        let client = redis::Client::open(self.url(0)).expect("the address is one");
        client.get_connection().expect("the server answers")
    }

    /// Has it follow another server, whose data it takes over, and waits until it has them.
    pub fn follow(&self, primary: &Self) {
        let mut connection = self.connect();
        let mut follow = redis::cmd("REPLICAOF");
        follow.arg("127.0.0.1").arg(primary.port);
        let () = follow.query(&mut connection).expect("it can be a replica");
        while !self
            .information("replication")
            .contains("master_link_status:up")
        {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has it follow nobody, and take writes.
    pub fn take_over(&self) {
        let mut alone = redis::cmd("REPLICAOF");
        alone.arg("NO").arg("ONE");
        let () = alone.query(&mut self.connect()).expect("it can take over");
    }

    /// Changes one of its settings.
    pub fn set(&self, setting: &str, value: &str) {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg(setting).arg(value);
        let () = set.query(&mut self.connect()).expect("it can be set");
    }

    /// Closes the connections of all clients.
    pub fn close_connections(&self) {
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("TYPE").arg("normal");
        let _: u64 = kill.query(&mut self.connect()).expect("it closes them");
    }

    /// What it says of itself in a section of `INFO`.
    pub fn information(&self, section: &str) -> String {
        let mut info = redis::cmd("INFO");
        let answer = info.arg(section).query(&mut self.connect());
        answer.expect("it tells of itself")
    }

    /// What the server does from now on, a line for each command.
    pub fn monitor(&self) -> impl Iterator<Item = String> + use<> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server answers");
        stream
            .set_read_timeout(Some(QUIET_MAX))
            .expect("a time-out can be set");
        stream
            .write_all(b"MONITOR\r\n")
            .expect("the server takes what is sent");
        BufReader::new(stream)
            .lines()
            .map(|line| line.expect("the server goes on telling"))
    }

    /// The certificate of a server that speaks TLS.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    /// The runtime configuration of a host that keeps its orders here.
    pub fn runtime_config(&self) -> String {
        format!(
            "[key_value_store.default]\ntype = \"redis\"\nurl = \"{}\"\n",
            self.url(0)
        )
    }

    /// Kills it at once.
    pub fn kill(&self) {
        let mut process = self.process();
        // Neither can fail for a process that has not been waited for, and a drop must not panic.
        let _ = process.kill();
        let _ = process.wait();
    }

    /// Kills it if it still runs, and starts it again on the same port and the same data.
    pub fn restart(&self) {
        self.kill();
        *self.process() = spawn(&self.directory, &self.settings, self.port, self.is_tls)
            .expect("`redis-server` starts again on its port");
    }

    /// Stops it as a whole, with its connections open.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // OK because the process has not been waited for, so that its number is still its own.
        kill_process(Pid::from_child(&self.process()), signal)
            .expect("the server can be signalled");
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server, and waits until it has read its data; none if it ended instead.
fn spawn(directory: &TempDir, settings: &[String], port: u16, is_tls: bool) -> Option<Child> {
    let mut server = Command::new("redis-server");
    let (plain, tls) = if is_tls { (0, port) } else { (port, 0) };
    server.args(["--bind", "127.0.0.1", "--port", &plain.to_string()]);
    server.args(["--tls-port", &tls.to_string()]);
    server.args(["--save", "", "--dir"]).arg(directory.path());
    server.arg("--unixsocket").arg(socket(directory));
    let mut process = server
        .args(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot run `redis-server`: {error}; on Debian, `sudo apt-get install redis-server` installs it")
        });
    let stdout = process.stdout.take().expect("standard output is piped");
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let is_ready = |line: String| line.to_lowercase().contains("ready to accept connections");
    if !lines.any(is_ready) {
        // OK to ignore: it closed its output, and so has ended or is about to.
        let _ = process.wait();
        return None;
    }
    // What it prints later must not fill the pipe.
    thread::spawn(move || lines.for_each(drop));
    Some(process)
}

fn new_directory() -> TempDir {
    TempDir::new().expect("a temporary directory can be made")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

fn socket(directory: &TempDir) -> PathBuf {
    directory.path().join("redis.sock")
}
