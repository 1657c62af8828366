//! Reads, on connections that the writer does not share.

use super::{Closed, Error, OpenError, open, unavailable};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement, params};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

const VALUE: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
/// Reads only the index of the primary key.
const KEYS_AFTER: &str = "SELECT key FROM spin_key_value WHERE store = ?1 AND key > ?2
                          ORDER BY key LIMIT ?3";
/// The same index from its other end.
const KEYS_BEFORE: &str = "SELECT key FROM spin_key_value WHERE store = ?1 AND key < ?2
                           ORDER BY key DESC LIMIT ?3";

/// The connections that read a file. A slot is `None` once closed.
pub(super) struct Readers {
    name: Arc<str>,
    /// For reads of single keys, which take microseconds.
    slots: Box<[Slot]>,
    /// For listings, so that no read of a key ever waits behind one.
    listing: Slot,
}

type Slot = Mutex<Option<Connection>>;

impl Readers {
    /// Opens as many connections to the file at `path` as threads can read at the same time.
    pub(super) fn open(path: &Path, name: Arc<str>) -> Result<Self, OpenError> {
        let slot = || Ok(Mutex::new(Some(open::reader(path)?)));
        // Two more than processors, because a reader may be interrupted.
        let slots = thread::available_parallelism().map_or(2, usize::from) + 2;
        Ok(Self {
            name,
            slots: (0..slots).map(|_| slot()).collect::<Result<_, _>>()?,
            listing: slot()?,
        })
    }

    /// The value of `key`.
    pub(super) fn value(&self, label: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.read(&mut self.slot(), |connection| {
            let mut statement = connection.prepare_cached(VALUE)?;
            value(&mut statement, label, key)
        })?
    }

    /// Appends the value of each of `keys` to `values`.
    pub(super) fn values(
        &self,
        label: &str,
        keys: &[String],
        values: &mut Vec<Option<Vec<u8>>>,
    ) -> Result<(), Error> {
        self.read(&mut self.slot(), |connection| {
            let mut statement = connection.prepare_cached(VALUE)?;
            for key in keys {
                match value(&mut statement, label, key)? {
                    Ok(value) => values.push(value),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        })?
    }

    /// Whether `key` has a value.
    pub(super) fn exists(&self, label: &str, key: &str) -> Result<bool, Error> {
        self.read(&mut self.slot(), |connection| {
            connection
                .prepare_cached(EXISTS)?
                .exists(params![label, key])
        })
    }

    /// The next keys after `after` in ascending order, `limit` at most; none if there are no more.
    ///
    /// From `""` on that is all of them, because no key is empty.
    pub(super) fn keys_after(
        &self,
        label: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        self.keys(KEYS_AFTER, label, after, limit)
    }

    /// The last `limit` keys before `before`, descending.
    pub(super) fn keys_before(
        &self,
        label: &str,
        before: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        self.keys(KEYS_BEFORE, label, before, limit)
    }

    fn keys(
        &self,
        query: &str,
        label: &str,
        from: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        // SQLite counts no further, and no file has more keys.
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(&mut lock(&self.listing), |connection| {
            let mut statement = connection.prepare_cached(query)?;
            let mut rows = statement.query(params![label, from, limit])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                match key(row, label)? {
                    Ok(key) => keys.push(key),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(keys))
        })?
    }

    /// Closes every connection. Later reads fail.
    pub(super) fn close(&self) {
        for slot in self.slots.iter().chain([&self.listing]) {
            drop(lock(slot).take());
        }
    }

    fn read<T>(
        &self,
        slot: &mut Option<Connection>,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        let Some(connection) = slot else {
            return Err(unavailable(&self.name, "read", Closed));
        };
        read(connection).map_err(|error| unavailable(&self.name, "read", error))
    }

    /// A free connection: this thread's own if it can be, because its caches are warm.
    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        let own = thread_number() % self.slots.len();
        let (before, after) = self.slots.split_at(own);
        after
            .iter()
            .chain(before)
            .find_map(|slot| match slot.try_lock() {
                Ok(slot) => Some(slot),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            })
            .unwrap_or_else(|| lock(&self.slots[own]))
    }
}

/// OK to go on after a panic elsewhere: a statement that was left is reset before its next use.
fn lock(slot: &Slot) -> MutexGuard<'_, Option<Connection>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A small number that differs between threads.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

type Read<T> = Result<Result<T, Error>, rusqlite::Error>;

fn value(statement: &mut Statement<'_>, label: &str, key: &str) -> Read<Option<Vec<u8>>> {
    let mut rows = statement.query(params![label, key])?;
    let Some(row) = rows.next()? else {
        return Ok(Ok(None));
    };
    Ok(match row.get_ref(0)? {
        // Text is what a person writes who sets a value with SQLite's shell.
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(Some(bytes.to_vec())),
        other => Err(Error::Foreign {
            what: format!("the value of key `{key}`"),
            found: other.data_type().to_string(),
            expected: "bytes",
        }),
    })
}

fn key(row: &Row<'_>, label: &str) -> Read<String> {
    let found = row.get_ref(0)?;
    Ok(match found.as_str() {
        Ok(key) => Ok(key.to_owned()),
        Err(_) => Err(Error::Foreign {
            what: format!("a key of label `{label}`"),
            found: found.data_type().to_string(),
            expected: "text in UTF-8",
        }),
    })
}
