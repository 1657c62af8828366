//! The one writer of a file: group commit.
//!
//! Writes are applied strictly in the order in which they were submitted. While one commit waits for
//! the disk, the next batch collects itself. Only where many write at once, so that more will follow,
//! is it given a moment longer: as long as a commit takes, and never long ([`GATHER_MAX`]).

use super::checkpointer::Checkpointer;
use super::statements::{Statements, WriteError};
use super::{Closed, Error, unavailable};
use rusqlite::{Connection, ErrorCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot};

/// How many writes may wait: far more than requests are served at once, so that reaching it means
/// that the disk does not keep up.
const WAITING_WRITES_MAX: usize = 16_384;
/// How many bytes they may hold together.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What [`Error::Busy`] says about both.
const WAITING_MAX: &str = "16384 writes or 64 MiB";
/// How many writes are committed together, so that the first of them does not wait for ever more.
const BATCH_WRITES_MAX: usize = 1024;

/// How many writes that wait together are taken as a sign that more follow.
const GATHER_WRITES: usize = 4;
/// How long a batch waits for these at most. A commit costs the same however many share it, and on a
/// fast disk half as many commits leave the processors to those who write.
const GATHER_MAX: Duration = Duration::from_micros(500);

/// The queue to the thread that writes.
pub(super) struct Writer {
    name: Arc<str>,
    /// `None` once closed.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Write>>>>,
    /// One permit for each byte that may still wait.
    room: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread on `connection`; `second` serves the checkpointer.
    pub(super) fn start(connection: Connection, second: Connection, name: Arc<str>) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_WRITES_MAX);
        let thread = thread::Builder::new()
            .name("kv-writer".to_owned())
            .spawn({
                let name = name.clone();
                move || serve(connection, second, &name, waiting)
            })
            // OK because a process that cannot start a thread at its start cannot do anything.
            .expect("the operating system starts a thread");
        Self {
            name,
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)),
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Queues `run`, and returns what it returned once its transaction is durable.
    ///
    /// `run` may be run more than once, after its earlier effects were rolled back.
    pub(super) async fn submit<T, F>(&self, bytes: usize, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Statements<'_>) -> Result<T, WriteError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Box::new(Pending {
            run,
            outcome: None,
            answer,
            room: self.take_room(bytes)?,
        }))?;
        answered.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// Commits what is queued, ends the thread, and returns when it has. Later writes fail.
    pub(super) fn close(&self) {
        drop(lock(&self.queue).take());
        let Some(thread) = lock(&self.thread).take() else {
            return;
        };
        if thread.join().is_err() {
            tracing::error!(store = %self.name, "the writer has panicked");
        }
    }

    fn take_room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        // A write that is larger than all the room gets in when it is alone.
        let permits = u32::try_from(bytes.min(WAITING_BYTES_MAX)).unwrap_or(u32::MAX);
        self.room
            .clone()
            .try_acquire_many_owned(permits)
            .map_err(|error| match error {
                TryAcquireError::NoPermits => self.busy(),
                TryAcquireError::Closed => self.closed(),
            })
    }

    fn enqueue(&self, write: Box<dyn Write>) -> Result<(), Error> {
        let queue = lock(&self.queue);
        let Some(queue) = queue.as_ref() else {
            return Err(self.closed());
        };
        queue.try_send(write).map_err(|error| match error {
            TrySendError::Full(_) => self.busy(),
            TrySendError::Closed(_) => self.closed(),
        })
    }

    fn busy(&self) -> Error {
        Error::Busy {
            store: self.name.clone(),
            waiting_max: WAITING_MAX,
        }
    }

    fn closed(&self) -> Error {
        unavailable(&self.name, "write", Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// OK to go on after a panic elsewhere: what is locked here is only ever taken out whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A write in the queue, whatever it returns.
trait Write: Send {
    /// Does it inside the open transaction and keeps what came of it. Fails only if SQLite does.
    fn apply(&mut self, statements: &mut Statements<'_>) -> Result<(), rusqlite::Error>;

    /// Tells the caller: what [`apply`](Self::apply) kept, or `failure`.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

struct Pending<T, F> {
    run: F,
    outcome: Option<Result<T, Error>>,
    answer: oneshot::Sender<Result<T, Error>>,
    room: OwnedSemaphorePermit,
}

impl<T, F> Write for Pending<T, F>
where
    T: Send,
    F: FnMut(&mut Statements<'_>) -> Result<T, WriteError> + Send,
{
    fn apply(&mut self, statements: &mut Statements<'_>) -> Result<(), rusqlite::Error> {
        self.outcome = Some(match (self.run)(statements) {
            Ok(done) => Ok(done),
            Err(WriteError::Call(error)) => Err(error),
            Err(WriteError::Sqlite(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let Self {
            run,
            outcome,
            answer,
            room,
        } = *self;
        // First make room, so that whoever is answered finds it.
        drop((run, room));
        if let Some(outcome) = failure.map(Err).or(outcome) {
            // A caller that no longer waits has chosen not to know.
            drop(answer.send(outcome));
        }
    }
}

/// The thread: commits batches until the queue is closed and empty.
fn serve(
    mut connection: Connection,
    second: Connection,
    name: &Arc<str>,
    mut waiting: mpsc::Receiver<Box<dyn Write>>,
) {
    let mut checkpointer = Checkpointer::start(&mut connection, second, name.clone());
    match Statements::prepare(&connection) {
        Ok(mut statements) => {
            let mut batch = Vec::with_capacity(BATCH_WRITES_MAX);
            let mut commit_took = Duration::ZERO;
            while waiting.blocking_recv_many(&mut batch, BATCH_WRITES_MAX) > 0 {
                if batch.len() >= GATHER_WRITES {
                    thread::sleep(commit_took.min(GATHER_MAX));
                    gather(&mut waiting, &mut batch);
                }
                let began = Instant::now();
                commit(&connection, &mut statements, name, &mut batch);
                commit_took = began.elapsed();
                checkpointer.after_commit(&connection);
            }
        }
        // Cannot happen after `open::writer` has used the table, short of a disk that dies now.
        // The queue is dropped, so every write is told that the store is closed.
        Err(error) => tracing::error!(store = %name, %error, "the writer cannot start"),
    }
    checkpointer.finish(&connection);
}

/// Adds to `batch` what waits, as far as it has room.
fn gather(waiting: &mut mpsc::Receiver<Box<dyn Write>>, batch: &mut Vec<Box<dyn Write>>) {
    while batch.len() < BATCH_WRITES_MAX
        && let Ok(write) = waiting.try_recv()
    {
        batch.push(write);
    }
}

/// Commits all of `batch` in one transaction and answers it.
fn commit(
    connection: &Connection,
    statements: &mut Statements<'_>,
    name: &Arc<str>,
    batch: &mut Vec<Box<dyn Write>>,
) {
    while !batch.is_empty() {
        match attempt(statements, batch) {
            Ok(()) => {
                for write in batch.drain(..) {
                    write.answer(None);
                }
            }
            Err(failure) => {
                roll_back(connection, name);
                let error = unavailable(name, "write", failure.error);
                match failure.culprit {
                    // The others have a chance without it.
                    Some(index) => batch.remove(index).answer(Some(error)),
                    None => {
                        for write in batch.drain(..) {
                            write.answer(Some(error.clone()));
                        }
                    }
                }
            }
        }
    }
}

/// Why a transaction came to nothing.
struct BatchError {
    error: rusqlite::Error,
    /// The write that is to blame, if it is one and not the disk.
    culprit: Option<usize>,
}

fn attempt(
    statements: &mut Statements<'_>,
    batch: &mut [Box<dyn Write>],
) -> Result<(), BatchError> {
    let nobody = |error| BatchError {
        error,
        culprit: None,
    };
    statements.begin().map_err(nobody)?;
    for (index, write) in batch.iter_mut().enumerate() {
        write.apply(statements).map_err(|error| BatchError {
            culprit: (!fails_everyone(&error)).then_some(index),
            error,
        })?;
    }
    statements.commit().map_err(nobody)
}

/// Whether the next write would meet the same failure: then there is no point in trying each.
fn fails_everyone(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
        )
    )
}

fn roll_back(connection: &Connection, name: &str) {
    // After some failures SQLite has rolled back by itself.
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = connection.execute_batch("ROLLBACK") {
        tracing::error!(store = name, %error, "cannot roll back a failed transaction");
    }
}

#[cfg(test)]
mod tests;
