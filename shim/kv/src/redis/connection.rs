//! The one connection to a server, made anew when it has broken or leads to the wrong server.
//!
//! The client library has a manager for this, but a manager gives up for good when a server
//! answers a new connection with words (too many clients, a password just being changed) instead
//! of closing it. Here every failure is followed by another attempt, at the next call after a
//! pause, and calls within the pause fail at once instead of queueing up.
//!
//! An address may lead to another server from one moment to the next: a replica takes over, a name
//! is given to it, a proxy follows. So a server that refuses a command as one that should not be
//! asked is left for whoever the address leads to then. A command is repeated, for a short time, if
//! it was not carried out for certain: it was never sent, the server refused it, or it only reads.
//! A write without an answer is never repeated.

use super::RedisAddress;
use super::fate::Fate;
use crate::OpenError;
use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::{
    Arg, AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture,
    RedisResult, Value, cmd,
};
use futures::FutureExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long a command may take. One that takes longer may still be carried out.
const RESPONSE_MAX: Duration = Duration::from_secs(5);
/// The pause after a failed attempt to connect; it doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest such pause.
const PAUSE_LAST: Duration = Duration::from_secs(3);
/// A connection that was silent for longer is asked whether it still lives before it is used: servers,
/// and much that is on the way to them, close idle ones or forget them without a word.
const IDLE: Duration = Duration::from_millis(100);
/// How long it may take to answer that, before another one is made.
const ALIVE_MAX: Duration = Duration::from_secs(1);
/// For how long a call is repeated, and waits for a connection that has just been lost. A failover
/// that takes longer is for the caller to wait out.
const REPEAT_MAX: Duration = Duration::from_secs(2);
/// The pause before a call is repeated; it doubles each time.
const REPEAT_PAUSE: Duration = Duration::from_millis(25);
/// A connection is not given up sooner for one to another server, so that many calls which are
/// refused at once do not make as many connections.
const RENEW_PAUSE: Duration = Duration::from_millis(100);
/// Commands that change nothing, so that they may be repeated whatever became of them.
const READS: [&[u8]; 4] = [b"GET", b"EXISTS", b"MGET", b"SCAN"];
/// How many commands may wait to be written to the connection.
const WAITING_MAX: usize = 4096;

/// All calls share the connection: Redis answers in the order asked, and commits what came
/// together with one flush.
#[derive(Clone)]
pub(super) struct Connection(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    client: Client,
    database: i64,
    /// Where the connection's own task runs: with those who serve, whoever asks for it. Work that
    /// computes must not delay answers.
    runtime: Handle,
    live: Mutex<Option<Live>>,
    /// Held while connecting, so that one attempt is made at a time.
    failed: tokio::sync::Mutex<Option<Failed>>,
}

#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    made_at: Instant,
    /// When the server last carried a command out, in milliseconds after `made_at`; 0 if it never
    /// has.
    served_ms: Arc<AtomicU64>,
}

/// Attempts that have failed since there last was a connection.
#[derive(Clone)]
struct Failed {
    since: Instant,
    pause: Duration,
    next_at: Instant,
    error: RedisError,
}

/// Why a try did not succeed, and what may be done about it.
enum TryError {
    /// There is no connection, so that nothing was sent.
    Unsent(Failed),
    /// It was sent, and became of it what the error says.
    Sent(RedisError),
}

impl Connection {
    /// Connects, or leaves that for later if the server cannot be reached now.
    ///
    /// # Errors
    /// What another attempt will not mend.
    pub(super) async fn open(address: &RedisAddress) -> Result<Self, OpenError> {
        let open_error = |problem: String, fix: &str| OpenError {
            store: address.to_string(),
            problem,
            fix: fix.to_owned(),
        };
        let shared = Shared {
            name: address.to_string().into(),
            client: Client::open(address.info().clone())
                .map_err(|error| open_error(error.to_string(), "correct `url`"))?,
            database: address.info().redis_settings().db(),
            runtime: Handle::current(),
            live: Mutex::default(),
            failed: tokio::sync::Mutex::default(),
        };
        let connection = Self(Arc::new(shared));
        match connection.live().await {
            Ok(_) => {}
            Err(Failed { error, .. }) if refuses_credentials(&error) => {
                return Err(open_error(
                    error.to_string(),
                    "correct the user name and the password in `url`",
                ));
            }
            Err(Failed { error, .. }) if passes(&error) => {
                tracing::warn!(
                    store = &*connection.0.name,
                    error = error.to_string(),
                    "the key-value store cannot be reached yet; until then nothing is accepted"
                );
            }
            Err(Failed { error, .. }) => {
                return Err(open_error(
                    error.to_string(),
                    "correct `url`, or the rights of its user",
                ));
            }
        }
        Ok(connection)
    }

    /// The server in words.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Makes a call, and repeats it for a short time if it was not carried out for certain.
    async fn call(&self, command: &Cmd) -> RedisResult<Value> {
        let until = Instant::now() + REPEAT_MAX;
        let mut pause = REPEAT_PAUSE;
        loop {
            let (error, until) = match self.try_once(command).await {
                Ok(value) => return Ok(value),
                // Who comes when it has been away for long does not wait.
                Err(TryError::Unsent(failed)) => {
                    (failed.error, until.min(failed.since + REPEAT_MAX))
                }
                Err(TryError::Sent(error)) if may_be_repeated(command, &error) => (error, until),
                Err(TryError::Sent(error)) => return Err(error),
            };
            if Instant::now() + pause > until {
                return Err(error);
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn try_once(&self, command: &Cmd) -> Result<Value, TryError> {
        let mut live = self.live().await.map_err(TryError::Unsent)?;
        let answer = live.connection.req_packed_command(command).await;
        // A refusal comes as a value of its own kind.
        let answer = answer.and_then(Value::extract_error);
        self.judge(&live, answer.as_ref().err());
        answer.map_err(TryError::Sent)
    }

    /// A connection that answers, made if there is none.
    async fn live(&self) -> Result<Live, Failed> {
        if let Some(mut live) = self.existing()
            && self.is_alive(&mut live).await
        {
            return Ok(live);
        }
        let mut failed = self.0.failed.lock().await;
        // Somebody else may have made it meanwhile.
        if let Some(live) = self.existing() {
            return Ok(live);
        }
        if let Some(failed) = &*failed
            && Instant::now() < failed.next_at
        {
            return Err(failed.clone());
        }
        match self.connect().await {
            Ok(connection) => {
                if failed.take().is_some() {
                    tracing::info!(store = &*self.0.name, "the key-value store is back");
                }
                let live = Live {
                    connection,
                    made_at: Instant::now(),
                    served_ms: Arc::default(),
                };
                *self.lock() = Some(live.clone());
                Ok(live)
            }
            Err(error) => {
                let now = Instant::now();
                let (since, pause) = failed.as_ref().map_or((now, PAUSE_FIRST), |failed| {
                    (failed.since, (failed.pause * 2).min(PAUSE_LAST))
                });
                let now_failed = Failed {
                    since,
                    pause,
                    next_at: now + pause,
                    error,
                };
                *failed = Some(now_failed.clone());
                Err(now_failed)
            }
        }
    }

    /// Whether the connection still answers, which is asked of an idle one.
    async fn is_alive(&self, live: &mut Live) -> bool {
        if !live.is_idle() {
            return true;
        }
        let ping = cmd("PING");
        let asked = timeout(ALIVE_MAX, ping.exec_async(&mut live.connection)).await;
        let error = match asked {
            Ok(Ok(())) => {
                live.served();
                return true;
            }
            Ok(Err(error)) => error,
            Err(_) => (ErrorKind::Io, "an idle connection does not answer").into(),
        };
        self.give_up(live, &error);
        false
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let client = self.0.client.clone();
        let connecting = self.0.runtime.spawn(async move {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT_MAX))
                .set_response_timeout(Some(RESPONSE_MAX))
                .set_pipeline_buffer_size(WAITING_MAX);
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            // A server lets anybody connect, and says only then that it wants a password, or that
            // it is still reading its data.
            cmd("PING").exec_async(&mut connection).await?;
            Ok(connection)
        });
        connecting.await.unwrap_or_else(|_| {
            // OK because nothing else cancels it: the host is stopping.
            Err((ErrorKind::Io, "the host is stopping").into())
        })
    }

    fn existing(&self) -> Option<Live> {
        self.lock().clone()
    }

    /// OK to go on after a panic elsewhere: each change of it is a single assignment.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Live>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives `used` up if what came of a command shows that it is of no more use: it broke; or nobody
    /// answered in time, and a connection on a dead path would take long to notice; or its server is
    /// not, or no longer, the one to be asked.
    fn judge(&self, used: &Live, error: Option<&RedisError>) {
        let Some(error) = error else {
            return used.served();
        };
        match Fate::of(error) {
            Fate::Unanswered => self.give_up(used, error),
            Fate::Misdirected if used.made_at.elapsed() > RENEW_PAUSE => self.give_up(used, error),
            Fate::Misdirected | Fate::Refused | Fate::Answered => {}
        }
    }

    fn give_up(&self, used: &Live, error: &RedisError) {
        let mut live = self.lock();
        if live
            .as_ref()
            .is_none_or(|live| live.made_at != used.made_at)
        {
            return;
        }
        *live = None;
        // Of a server that never did anything for us, it was said before.
        if used.served_ms.load(Ordering::Relaxed) > 0 {
            tracing::warn!(
                store = &*self.0.name,
                error = error.to_string(),
                "the key-value store was lost"
            );
        }
    }
}

impl Live {
    /// The server has just carried a command out.
    fn served(&self) {
        let now_ms = self.age_ms().max(1);
        self.served_ms.store(now_ms, Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        let silent_ms = self
            .age_ms()
            .saturating_sub(self.served_ms.load(Ordering::Relaxed));
        u128::from(silent_ms) > IDLE.as_millis()
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.made_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whether repeating a command that was sent cannot do it twice.
fn may_be_repeated(command: &Cmd, error: &RedisError) -> bool {
    match Fate::of(error) {
        Fate::Misdirected => true,
        Fate::Unanswered => is_read(command),
        Fate::Refused | Fate::Answered => false,
    }
}

fn is_read(command: &Cmd) -> bool {
    matches!(command.args_iter().next(), Some(Arg::Simple(name)) if READS.contains(&name))
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        self.call(command).boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        async move {
            let mut live = self.live().await.map_err(|failed| failed.error)?;
            let connection = &mut live.connection;
            let answers = connection
                .req_packed_commands(commands, offset, count)
                .await;
            self.judge(&live, answers.as_ref().err());
            answers
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.0.database
    }
}

/// Whether what is wrong may mend by itself.
fn passes(error: &RedisError) -> bool {
    error.is_io_error() || Fate::of(error) == Fate::Misdirected
}

fn refuses_credentials(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || error
            .code()
            .is_some_and(|code| ["NOAUTH", "WRONGPASS"].contains(&code))
}
