//! A host, or replicas of one, killed and restarted while clients go on, and such clients.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tests::{
    Host, Kept, RedisServer, Request, Response, Setup, StoredRecord, pause, retry_after_seconds,
};

/// How long a client leaves it after a connection failed.
const RECONNECT: Duration = Duration::from_millis(20);

/// Longer than a lease of [`fast`] and a sweep together, than a dispatch is waited for, and than who
/// bids for an idempotency key is left alone with it.
pub const LONGER_THAN_ANY_GRACE: Duration = Duration::from_secs(5);

/// The number of SIGKILL.
const KILL: i32 = 9;

/// Hosts behind locks that their clients share, and whose other side is a restart.
pub struct Service {
    hosts: Vec<RwLock<Host>>,
    /// What all of them keep their orders in, if not each in its state directory.
    redis: Option<RedisServer>,
    /// Whose turn it is to be asked.
    turn: AtomicUsize,
    restarts: Mutex<Vec<Restart>>,
    pauses: AtomicUsize,
}

/// A death and the start after it, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    pub killed_at_ms: u64,
    pub serving_at_ms: u64,
}

impl Service {
    pub fn start(setup: Setup) -> Self {
        Self::of(vec![setup.start()], None)
    }

    /// Starts a replica with each of these setups on one Redis.
    pub fn start_replicas(redis: RedisServer, setups: impl IntoIterator<Item = Setup>) -> Self {
        let setups = setups.into_iter();
        let config = redis.runtime_config();
        let hosts = setups.map(|setup| setup.runtime_config(&config).start());
        Self::of(hosts.collect(), Some(redis))
    }

    /// Starts two hosts that keep their orders in one file.
    pub fn start_pair(first: Setup, second: Setup) -> Self {
        let first = first.start();
        let second = second.beside(&first).start();
        Self::of(vec![first, second], None)
    }

    fn of(hosts: Vec<Host>, redis: Option<RedisServer>) -> Self {
        Self {
            hosts: hosts.into_iter().map(RwLock::new).collect(),
            redis,
            turn: AtomicUsize::new(0),
            restarts: Mutex::default(),
            pauses: AtomicUsize::new(0),
        }
    }

    /// The host, or the first of the replicas.
    pub fn host(&self) -> RwLockReadGuard<'_, Host> {
        self.replica(0)
    }

    /// One replica after the other, as a load balancer chooses.
    pub fn any_host(&self) -> RwLockReadGuard<'_, Host> {
        self.replica(self.turn.fetch_add(1, Ordering::Relaxed))
    }

    /// One of the replicas, by its number.
    pub fn replica(&self, number: usize) -> RwLockReadGuard<'_, Host> {
        let host = &self.hosts[number % self.hosts.len()];
        host.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What they keep.
    pub fn kept(&self) -> Kept {
        match &self.redis {
            Some(redis) => Kept::in_redis(redis),
            None => Kept::in_state_dir(self.host().state_dir()),
        }
    }

    /// Kills the host, or the next of the replicas, which must be running, and starts it again.
    pub fn kill_and_restart(&self) {
        let killed_at_ms = now_ms();
        let number = self.restarts().len();
        {
            let host = self.replica(number);
            assert!(
                !host.has_ended(),
                "the host ended by itself:\n{}",
                host.output().text()
            );
            host.kill();
        }
        self.restart(number, killed_at_ms);
    }

    /// Stops the next of the replicas for a while, and lets it go on.
    pub fn pause_and_go_on(&self, duration: Duration) {
        let number = self.pauses.fetch_add(1, Ordering::Relaxed);
        let host = self.replica(number);
        host.freeze();
        pause(duration, "a host that stands still");
        host.thaw();
    }

    /// Has the first replica, which has stopped itself, stand still until each of the others'
    /// patience has ended; then lets it go on.
    pub fn go_on_after_stop(&self) {
        let host = self.host();
        pause(LONGER_THAN_ANY_GRACE, "others to give up on a host");
        host.thaw();
        self.pauses.fetch_add(1, Ordering::Relaxed);
    }

    /// How often one of them was stopped.
    pub fn pauses(&self) -> usize {
        self.pauses.load(Ordering::Relaxed)
    }

    /// Waits for the host to kill itself, and starts it again.
    pub fn restart_after_crash(&self) {
        assert_crashed(self.host().wait());
        self.restart(0, now_ms());
    }

    /// Kills the host, and starts it again on its way to `point`, which it reaches with nobody
    /// asking; then starts it once more.
    pub fn restart_twice(&self, point: &str) {
        let killed_at_ms = now_ms();
        {
            let mut host = self.hosts[0]
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            assert_crashed(host.run_to_crash(point));
        }
        self.restart(0, killed_at_ms);
    }

    /// Has the host run again until it stops itself at `point`, with nobody asking.
    pub fn restart_to_stop(&self, point: &str) {
        let mut host = self.hosts[0]
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        host.run_to_stop(point);
    }

    /// As [`go_on_after_stop`](Self::go_on_after_stop), for a host that stopped before it served.
    pub fn serve_after_stop(&self) {
        let mut host = self.hosts[0]
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        pause(LONGER_THAN_ANY_GRACE, "others to give up on a host");
        host.resume();
        self.pauses.fetch_add(1, Ordering::Relaxed);
    }

    /// Starts another replica.
    pub fn join(&mut self, setup: Setup) {
        let config = self.redis().runtime_config();
        let host = setup.runtime_config(&config).start();
        self.hosts.push(RwLock::new(host));
    }

    /// The server that replicas keep their orders in.
    pub fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("these hosts are replicas")
    }

    fn restart(&self, number: usize, killed_at_ms: u64) {
        let host = &self.hosts[number % self.hosts.len()];
        host.write()
            .unwrap_or_else(PoisonError::into_inner)
            .restart();
        let restart = Restart {
            killed_at_ms,
            serving_at_ms: now_ms(),
        };
        self.restarts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(restart);
    }

    pub fn restarts(&self) -> Vec<Restart> {
        self.restarts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every record that it keeps.
    pub fn records(&self) -> Vec<StoredRecord> {
        self.kept().records()
    }

    /// Sends a request until it is answered, as clients do that mean it.
    pub fn persist(&self, request: impl Fn(&Host) -> Request) -> Response {
        loop {
            let answer = request(&self.any_host()).try_send();
            match answer {
                Ok(answer) if answer.status == 503 => {
                    pause(
                        Duration::from_secs(retry_after_seconds(&answer)),
                        "a service",
                    );
                }
                Ok(answer) => return answer,
                Err(_) => pause(RECONNECT, "a host that answers"),
            }
        }
    }
}

/// A host that notices the dead soon, and whose orders say how their work goes.
pub fn fast() -> Setup {
    Setup::controlled()
        .variable("lease_seconds", "2")
        .variable("progress_seconds", "1")
        .variable("sweep_seconds", "1")
        // Deaths cost attempts, and none of these orders may run out of them.
        .variable("max_attempts", "1000")
}

/// Begins a submission, with an idempotency key if one is given.
pub fn submission(host: &Host, order: &Value, key: Option<&str>) -> Request {
    let request = host.submit(order.to_string());
    match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    }
}

/// Asserts that a host killed itself, which it does at its point and nowhere else.
pub fn assert_crashed(status: ExitStatus) {
    assert_eq!(
        status.signal(),
        Some(KILL),
        "{status}: the point was not reached"
    );
}

/// For each order that was open at a death: how long after the restart its next attempt began,
/// if it did before the next death.
pub fn recovery_ms(records: &[StoredRecord], restarts: &[Restart]) -> Vec<u64> {
    let mut times = Vec::new();
    for record in records {
        let started = record.attempts_started_at_ms();
        for (index, restart) in restarts.iter().enumerate() {
            let next_death = restarts
                .get(index + 1)
                .map_or(u64::MAX, |next| next.killed_at_ms);
            let next = started.iter().find(|at| **at >= restart.killed_at_ms);
            if record.created_at_ms() < restart.killed_at_ms
                && let Some(next) = next
                && *next < next_death
            {
                times.push(next.saturating_sub(restart.serving_at_ms));
            }
        }
    }
    times
}

/// The time, in milliseconds since 1970, as records tell it.
pub fn now_ms() -> u64 {
    let elapsed = SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970");
    u64::try_from(elapsed.as_millis()).expect("milliseconds since 1970 fit 64 bits")
}
