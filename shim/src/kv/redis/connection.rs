//! The one connection to a server, made anew when it has broken.
//!
//! The client library has a manager for this, but a manager gives up for good when a server
//! answers a new connection with words (too many clients, a password just being changed) instead
//! of closing it. Here every failure is followed by another attempt, at the next call after a
//! pause, and calls within the pause fail at once instead of queueing up.

use super::RedisAddress;
use crate::kv::OpenError;
use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value, cmd,
};
use futures::FutureExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long a command may take. One that takes longer may still be carried out.
const RESPONSE_MAX: Duration = Duration::from_secs(5);
/// The pause after a failed attempt to connect; it doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest such pause.
const PAUSE_LAST: Duration = Duration::from_secs(3);
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
}

/// Attempts that have failed since there last was a connection.
struct Failed {
    pause: Duration,
    next_at: Instant,
    error: RedisError,
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
            Err(error) if passes(&error) => {
                tracing::warn!(
                    store = &*connection.0.name,
                    error = error.to_string(),
                    "the key-value store cannot be reached yet; until then nothing is accepted"
                );
            }
            Err(error) if refuses_credentials(&error) => {
                return Err(open_error(
                    error.to_string(),
                    "correct the user name and the password in `url`",
                ));
            }
            Err(error) => {
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

    /// The connection, made if there is none.
    async fn live(&self) -> RedisResult<Live> {
        if let Some(live) = self.existing() {
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
            return Err(failed.error.clone());
        }
        match self.connect().await {
            Ok(connection) => {
                if failed.take().is_some() {
                    tracing::info!(store = &*self.0.name, "the key-value store is back");
                }
                let live = Live {
                    connection,
                    made_at: Instant::now(),
                };
                *self.lock() = Some(live.clone());
                Ok(live)
            }
            Err(error) => {
                let pause = failed
                    .as_ref()
                    .map_or(PAUSE_FIRST, |failed| (failed.pause * 2).min(PAUSE_LAST));
                *failed = Some(Failed {
                    pause,
                    next_at: Instant::now() + pause,
                    error: error.clone(),
                });
                Err(error)
            }
        }
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

    /// Gives `used` up if `answer` shows that it is of no more use: it broke; or nobody answered
    /// in time, and a connection on a dead path would take long to notice; or its server is no
    /// longer the one that takes writes.
    fn judge<T>(&self, used: &Live, answer: &RedisResult<T>) {
        let Err(error) = answer else { return };
        let of_no_use = error.is_io_error()
            || error.is_unrecoverable_error()
            || error.kind() == ServerErrorKind::ReadOnly.into();
        let mut live = self.lock();
        if of_no_use
            && live
                .as_ref()
                .is_some_and(|live| live.made_at == used.made_at)
        {
            tracing::warn!(
                store = &*self.0.name,
                error = error.to_string(),
                "the key-value store was lost"
            );
            *live = None;
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            let mut live = self.live().await?;
            let answer = live.connection.req_packed_command(command).await;
            self.judge(&live, &answer);
            answer
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        async move {
            let mut live = self.live().await?;
            let connection = &mut live.connection;
            let answer = connection
                .req_packed_commands(commands, offset, count)
                .await;
            self.judge(&live, &answer);
            answer
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.0.database
    }
}

/// Whether what is wrong may mend by itself.
fn passes(error: &RedisError) -> bool {
    error.is_io_error()
        || [
            ServerErrorKind::BusyLoading,
            ServerErrorKind::MasterDown,
            ServerErrorKind::ReadOnly,
            ServerErrorKind::TryAgain,
        ]
        .into_iter()
        .any(|kind| error.kind() == kind.into())
}

fn refuses_credentials(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || error
            .code()
            .is_some_and(|code| ["NOAUTH", "WRONGPASS"].contains(&code))
}
