//! Labels in a SQLite file, in the layout of Spin's own store, so that Spin and this host can
//! take turns on one file.
//!
//! One thread writes. It takes all writes that wait, commits them in one transaction and answers
//! them after its fsync, so durable writes cost a share of a disk flush each ([`writer`]). Reads
//! run on connections of their own, at once and on the caller's thread ([`readers`]): in WAL mode
//! neither side waits for the other. A second thread moves the log into the file
//! ([`checkpointer`]).

mod checkpointer;
mod open;
mod readers;
mod statements;
mod tenure;
mod writer;

use self::readers::Readers;
use self::statements::{Statements, WriteError};
use self::tenure::Tenure;
use self::writer::Writer;
use super::{Error, Keys, OpenError, SizeLimits, Store, SwapOutcome, integer};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// How many keys [`Store::get_many`] reads before it lets other tasks of its thread run.
const READS_PER_TURN: usize = 64;

/// How many keys a batch of a listing holds: a millisecond's worth.
const BATCH_KEYS: usize = 1000;

/// A SQLite file that is open for any number of labels.
pub(super) struct Database {
    // Dropped in this order: the writer empties its queue and the log before the last connection
    // closes, which deletes the log.
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    /// Held until the file is closed; none if it cannot be locked.
    tenure: Option<Tenure>,
}

impl Database {
    /// Opens or creates the file at `path` and proves that it can be written.
    pub(super) async fn open(path: &Path) -> Result<Self, OpenError> {
        let path = path.to_owned();
        blocking(move || {
            let name: Arc<str> = format!("SQLite file `{}`", path.display()).into();
            let connection = open::writer(&path)?;
            let writer = Writer::start(connection, open::checkpointer(&path)?, name.clone());
            Ok(Self {
                readers: Arc::new(Readers::open(&path, name)?),
                writer: Arc::new(writer),
                tenure: join_tenure(&path),
            })
        })
        .await
    }

    /// The time since which some process has had the file open without a break, by its name; none
    /// if that cannot be told.
    pub(super) fn tenure(&self) -> Option<Uuid> {
        self.tenure.as_ref().map(|tenure| tenure.id)
    }

    /// The label `label` of this file.
    pub(super) fn store(&self, label: &str, limits: SizeLimits) -> SqliteStore {
        SqliteStore {
            label: label.into(),
            limits,
            writer: self.writer.clone(),
            readers: self.readers.clone(),
        }
    }

    /// Commits what was accepted and leaves one plain file, without a log beside it.
    pub(super) async fn close(&self) {
        let (writer, readers) = (self.writer.clone(), self.readers.clone());
        blocking(move || {
            writer.close();
            readers.close();
        })
        .await;
    }
}

/// One label of a [`Database`].
pub(super) struct SqliteStore {
    label: Arc<str>,
    limits: SizeLimits,
    writer: Arc<Writer>,
    readers: Arc<Readers>,
}

impl SqliteStore {
    /// Has the writer run `write` on this label. `bytes` is about what it keeps in memory.
    async fn write<T, F>(&self, bytes: usize, mut write: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Statements<'_>, &str) -> Result<T, WriteError> + Send + 'static,
    {
        let label = self.label.clone();
        self.writer
            .submit(bytes, move |statements| write(statements, &label))
            .await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.limits.check_key(key)?;
        self.readers.value(&self.label, key)
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        self.limits.check_pair(key, &value)?;
        let key = key.to_owned();
        self.write(key.len() + value.len(), move |statements, label| {
            Ok(statements.set(label, &key, &value)?)
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.limits.check_key(key)?;
        let key = key.to_owned();
        self.write(key.len(), move |statements, label| {
            Ok(statements.delete(label, &key)?)
        })
        .await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.limits.check_key(key)?;
        self.readers.exists(&self.label, key)
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.limits.check_keys(keys)?;
        let mut values = Vec::with_capacity(keys.len());
        for turn in keys.chunks(READS_PER_TURN) {
            if !values.is_empty() {
                tokio::task::yield_now().await;
            }
            self.readers.values(&self.label, turn, &mut values)?;
        }
        Ok(values)
    }

    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        for (key, value) in &pairs {
            self.limits.check_pair(key, value)?;
        }
        let bytes = pairs.iter().map(|(key, value)| key.len() + value.len());
        self.write(bytes.sum(), move |statements, label| {
            for (key, value) in &pairs {
                statements.set(label, key, value)?;
            }
            Ok(())
        })
        .await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), Error> {
        self.limits.check_keys(&keys)?;
        let bytes = keys.iter().map(String::len).sum();
        self.write(bytes, move |statements, label| {
            for key in &keys {
                statements.delete(label, key)?;
            }
            Ok(())
        })
        .await
    }

    fn keys(&self) -> Keys {
        let (readers, label) = (self.readers.clone(), self.label.clone());
        // Each batch is a query of its own that continues after the last key of the one before,
        // so between two batches no read transaction keeps the log from being reused. `None`
        // ends the stream, after an error too.
        stream::unfold(Some(String::new()), move |after| {
            let (readers, label) = (readers.clone(), label.clone());
            async move {
                let after = after?;
                match blocking(move || readers.keys_after(&label, &after, BATCH_KEYS)).await {
                    Ok(batch) => {
                        let last = batch.last().cloned()?;
                        Some((Ok(batch), Some(last)))
                    }
                    Err(error) => Some((Err(error), None)),
                }
            }
        })
        .boxed()
    }

    async fn keys_after(&self, after: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        let (readers, label) = (self.readers.clone(), self.label.clone());
        let after = after.to_owned();
        blocking(move || readers.keys_after(&label, &after, limit))
            .await
            .map(Some)
    }

    async fn keys_before(&self, before: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        let (readers, label) = (self.readers.clone(), self.label.clone());
        let before = before.to_owned();
        blocking(move || readers.keys_before(&label, &before, limit))
            .await
            .map(Some)
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.limits.check_key(key)?;
        if delta == 0 {
            // That reads the number, and a read waits for no commit.
            return integer::add(key, self.get(key).await?.as_deref(), 0);
        }
        let key = key.to_owned();
        self.write(key.len(), move |statements, label| {
            statements.increment(label, &key, delta)
        })
        .await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<SwapOutcome, Error> {
        self.limits.check_pair(key, &value)?;
        let key = key.to_owned();
        let expected = expected.map(<[u8]>::to_vec);
        let bytes = key.len() + value.len() + expected.as_ref().map_or(0, Vec::len);
        self.write(bytes, move |statements, label| {
            Ok(statements.compare_and_swap(label, &key, expected.as_deref(), &value)?)
        })
        .await
    }
}

/// Without a tenure all is as on a store that hosts share: no reason not to start.
fn join_tenure(path: &Path) -> Option<Tenure> {
    let joined = Tenure::join(path);
    joined
        .inspect_err(|error| {
            tracing::warn!(
                error = error.to_string(),
                "the file beside `{}` cannot be locked, so orders that a crash leaves wait for their leases",
                path.display()
            );
        })
        .ok()
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // OK because nothing cancels these tasks: what is left is a panic, which goes on here.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The error of a database that failed to `action`.
fn unavailable(
    name: &Arc<str>,
    action: &'static str,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::Unavailable {
        store: name.clone(),
        action,
        cause: Arc::new(cause),
    }
}

/// A call that came after [`Database::close`], or after the writer died.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;
