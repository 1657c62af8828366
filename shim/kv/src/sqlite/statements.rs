//! The SQL of writes: what each does to the table inside the writer's transaction.

use crate::{Error, SwapOutcome, integer};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Result, Statement, params};

/// Why a write did not happen inside the transaction.
pub(super) enum WriteError {
    /// The call does not fit what is stored. Nothing was written; the others go on.
    Call(Error),
    /// SQLite failed, and what the transaction has written so far is in doubt.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The writer's statements, each prepared once. `statements` of a transaction that is rolled back
/// have done nothing, so a write may be run again.
pub(super) struct Statements<'connection> {
    begin: Statement<'connection>,
    commit: Statement<'connection>,
    value: Statement<'connection>,
    set: Statement<'connection>,
    create: Statement<'connection>,
    replace: Statement<'connection>,
    delete: Statement<'connection>,
}

impl<'connection> Statements<'connection> {
    pub(super) fn prepare(connection: &'connection Connection) -> Result<Self> {
        Ok(Self {
            // At once, and not at the first write, since a read lock that cannot be raised to a
            // write lock would fail without waiting.
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            value: connection
                .prepare("SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2")?,
            set: connection.prepare(
                "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
            )?,
            create: connection.prepare(
                "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (store, key) DO NOTHING",
            )?,
            replace: connection.prepare(
                "UPDATE spin_key_value SET value = ?4
                 WHERE store = ?1 AND key = ?2 AND value = ?3",
            )?,
            delete: connection
                .prepare("DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2")?,
        })
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        self.begin.execute([]).map(drop)
    }

    /// Durable when it returns.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.commit.execute([]).map(drop)
    }

    pub(super) fn set(&mut self, label: &str, key: &str, value: &[u8]) -> Result<()> {
        self.set.execute(params![label, key, value]).map(drop)
    }

    pub(super) fn delete(&mut self, label: &str, key: &str) -> Result<()> {
        self.delete.execute(params![label, key]).map(drop)
    }

    pub(super) fn increment(
        &mut self,
        label: &str,
        key: &str,
        delta: i64,
    ) -> Result<i64, WriteError> {
        // The value is judged before anything is written, so a refusal leaves no trace.
        let sum = self
            .value
            .query_row(params![label, key], |row| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Blob(bytes) => integer::add(key, Some(bytes), delta),
                    other => Err(Error::NotAnInteger {
                        key: key.to_owned(),
                        found: format!("a value of type {}", other.data_type()),
                    }),
                })
            })
            .optional()?
            .unwrap_or_else(|| integer::add(key, None, delta))
            .map_err(WriteError::Call)?;
        self.set(label, key, &integer::encode(sum))?;
        Ok(sum)
    }

    pub(super) fn compare_and_swap(
        &mut self,
        label: &str,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<SwapOutcome> {
        let rows = match expected {
            Some(expected) => self.replace.execute(params![label, key, expected, value])?,
            None => self.create.execute(params![label, key, value])?,
        };
        Ok(if rows == 1 {
            SwapOutcome::Applied
        } else {
            SwapOutcome::Changed
        })
    }
}
