//! Moves the write-ahead log into the file, so that the log stays short.
//!
//! SQLite's own way does that inside the commit that makes the log too long: that commit, and
//! all that wait for it, pay for thousands of pages and a second flush. Here a second thread
//! copies the pages while commits go on. What it cannot do is start the log afresh, because
//! commits keep adding to it; so once it is done the writer copies the few pages that came
//! meanwhile, between two commits, and the next commit begins at the log's start.

use super::open::WRITE_TIMEOUT;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many pages the log may have before they are copied: 16 MiB of SQLite's default pages.
/// More would copy a page that changes often less often, but make reads and recovery slower.
const LOG_PAGES: usize = 4096;
/// How long the writer waits for readers of the log before it gives up starting it afresh. Ours
/// take microseconds; only another process could take long, and must not hold up commits.
const READERS_TIMEOUT: Duration = Duration::from_millis(20);

/// The writer's side of it.
pub(super) struct Checkpointer {
    name: Arc<str>,
    /// How many pages the log has, as of the last commit.
    log_pages: Arc<AtomicUsize>,
    /// At how many pages the next copy begins.
    due_pages: usize,
    /// Whether the thread is copying.
    copying: bool,
    begin: SyncSender<()>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Starts the thread on `second`, and watches the log that `connection` writes.
    pub(super) fn start(connection: &mut Connection, second: Connection, name: Arc<str>) -> Self {
        let log_pages = Arc::new(AtomicUsize::new(0));
        let seen = log_pages.clone();
        let watching = connection.wal_hook(Some(move |_: &mut _, pages| {
            seen.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }));
        if let Err(error) = watching {
            tracing::error!(store = %name, %error, "cannot watch the write-ahead log: it will grow");
        }
        let (begin, requests) = sync_channel(1);
        let (finished, done) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("kv-checkpointer".to_owned())
            .spawn({
                let name = name.clone();
                move || copy_on_demand(&second, &name, &requests, &finished)
            })
            // OK because a process that cannot start a thread at its start cannot do anything.
            .expect("the operating system starts a thread");
        Self {
            name,
            log_pages,
            due_pages: LOG_PAGES,
            copying: false,
            begin,
            done,
            thread,
        }
    }

    /// Has the log copied when it is due. Called by the writer after each commit.
    pub(super) fn after_commit(&mut self, connection: &Connection) {
        let log_pages = self.log_pages.load(Ordering::Relaxed);
        if !self.copying {
            if log_pages >= self.due_pages {
                self.copying = self.begin.try_send(()).is_ok();
            }
            return;
        }
        if self.done.try_recv() == Err(TryRecvError::Empty) {
            return;
        }
        self.copying = false;
        self.due_pages = match start_afresh(connection) {
            Ok(true) => LOG_PAGES,
            // Somebody reads the old log. Trying again at once would try at every commit.
            Ok(false) => log_pages + LOG_PAGES,
            Err(error) => {
                warn(&self.name, &error);
                log_pages + LOG_PAGES
            }
        };
    }

    /// Ends the thread and leaves the file without a log, as far as nobody else has it open.
    pub(super) fn finish(self, connection: &Connection) {
        drop(self.begin);
        if self.thread.join().is_err() {
            tracing::error!(store = %self.name, "the checkpointer has panicked");
        }
        if let Err(error) = checkpoint(connection, "TRUNCATE") {
            warn(&self.name, &error);
        }
    }
}

/// The thread: one copy for each request.
fn copy_on_demand(
    connection: &Connection,
    name: &str,
    requests: &Receiver<()>,
    finished: &SyncSender<()>,
) {
    while requests.recv().is_ok() {
        // Passive: takes nothing that a writer or a reader would have to wait for.
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            warn(name, &error);
        }
        if finished.send(()).is_err() {
            return;
        }
    }
}

/// Copies the rest of the log. Whether the next commit will begin at its start.
fn start_afresh(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.busy_timeout(READERS_TIMEOUT)?;
    let restarted = checkpoint(connection, "RESTART");
    connection.busy_timeout(WRITE_TIMEOUT)?;
    restarted
}

/// Whether a checkpoint in `mode` did all that it is for.
fn checkpoint(connection: &Connection, mode: &str) -> Result<bool, rusqlite::Error> {
    let busy: i64 = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        row.get(0)
    })?;
    Ok(busy == 0)
}

/// A checkpoint that fails loses nothing: the log still has it, and the next one tries again.
fn warn(name: &str, error: &rusqlite::Error) {
    tracing::warn!(store = name, %error, "cannot move the write-ahead log into the file");
}
