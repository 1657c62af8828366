//! Records as they are stored: the history that the HTTP surface does not tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::Commands as _;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::{RedisServer, store_file};

/// What hosts keep, read from beside them: nothing is asked of a host, so nothing is set going.
pub struct Kept(Store);

enum Store {
    Sqlite { file: PathBuf, store: Connection },
    Redis(Box<Mutex<redis::Connection>>),
}

impl Kept {
    /// What is kept in a host's state directory. The host must have made its store.
    pub fn in_state_dir(state_dir: &Path) -> Self {
        let file = store_file(state_dir);
        let open = || {
            let store = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            store.busy_timeout(Duration::from_secs(5))?;
            Ok(store)
        };
        let store = open().unwrap_or_else(|error| unreadable(&file, &error));
        Self(Store::Sqlite { file, store })
    }

    /// What is kept in a Redis server.
    pub fn in_redis(server: &RedisServer) -> Self {
        Self(Store::Redis(Box::new(Mutex::new(server.connect()))))
    }

    /// Every order's record, once, whether the order is open or has ended.
    ///
    /// One that is being moved is at both places, with the same outcome.
    pub fn records(&self) -> Vec<StoredRecord> {
        let mut records = BTreeMap::new();
        // In this order, as readers look: what moves meanwhile is found at the one or the other.
        for prefix in [OPEN, ENDED] {
            for value in self.values(prefix) {
                let record = StoredRecord::parse(&value);
                records.entry(record.id().to_owned()).or_insert(record);
            }
        }
        records.into_values().collect()
    }

    /// The ids of orders that have ended and whose records are still among those of open ones.
    pub fn unmoved(&self) -> BTreeSet<String> {
        let records = self.values(OPEN);
        let records = records.iter().map(|value| StoredRecord::parse(value));
        records
            .filter(StoredRecord::has_ended)
            .map(|record| record.id().to_owned())
            .collect()
    }

    /// The values of all keys that begin so, in any order.
    fn values(&self, prefix: &str) -> Vec<Vec<u8>> {
        match &self.0 {
            Store::Sqlite { file, store } => {
                let query = "SELECT value FROM spin_key_value WHERE key BETWEEN ?1 AND ?1 || '~'";
                let read = || -> rusqlite::Result<Vec<Vec<u8>>> {
                    let mut query = store.prepare_cached(query)?;
                    query.query_map([prefix], |row| row.get(0))?.collect()
                };
                read().unwrap_or_else(|error| unreadable(file, &error))
            }
            Store::Redis(connection) => {
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let keys: Vec<String> = connection
                    .keys(format!("{prefix}*"))
                    .expect("the server answers");
                if keys.is_empty() {
                    return Vec::new();
                }
                let values: Vec<Option<Vec<u8>>> =
                    connection.mget(keys).expect("the server answers");
                values.into_iter().flatten().collect()
            }
        }
    }
}

/// What the keys of records begin with: those of open orders, and those of ended ones.
const OPEN: &str = "open_";
const ENDED: &str = "order_";

fn unreadable(file: &Path, error: &rusqlite::Error) -> ! {
    panic!("cannot read `{}`: {error}", file.display())
}

/// The record of an order.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    json: Value,
}

impl StoredRecord {
    fn parse(value: &[u8]) -> Self {
        let json = serde_json::from_slice(value)
            .unwrap_or_else(|error| panic!("expected a record, found other JSON: {error}"));
        Self { json }
    }

    /// The order's id.
    pub fn id(&self) -> &str {
        self.json["id"].as_str().expect("a record has an id")
    }

    /// The order as it was sent.
    pub fn order(&self) -> &Value {
        &self.json["order"]
    }

    /// How often it was written.
    pub fn revision(&self) -> u64 {
        self.json["revision"]
            .as_u64()
            .expect("a record has a revision")
    }

    /// When it was accepted, in milliseconds since 1970.
    pub fn created_at_ms(&self) -> u64 {
        self.json["createdAt"]
            .as_u64()
            .expect("a record has a time of creation")
    }

    /// The state's name.
    pub fn status(&self) -> &str {
        let state = self.json["state"].as_object();
        state
            .and_then(|state| state.keys().next())
            .expect("a record has a state")
    }

    /// Whether the order has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.status(), "completed" | "failed" | "cancelled")
    }

    /// The state with all that it holds: of an order that has ended, its one outcome.
    pub fn state(&self) -> &Value {
        &self.json["state"]
    }

    /// How each attempt ended, the latest last; `running` if it has not.
    pub fn history(&self) -> Vec<&str> {
        let outcomes = self.attempts().map(|attempt| attempt["outcome"].as_str());
        outcomes
            .map(|outcome| outcome.unwrap_or("running"))
            .collect()
    }

    /// When each attempt was claimed, in milliseconds since 1970.
    pub fn attempts_started_at_ms(&self) -> Vec<u64> {
        let times = self.attempts().map(|attempt| attempt["startedAt"].as_u64());
        times
            .map(|time| time.expect("an attempt has a start"))
            .collect()
    }

    /// When the latest attempt ended, in milliseconds since 1970.
    pub fn ended_at_ms(&self) -> Option<u64> {
        self.attempts().last()?["endedAt"].as_u64()
    }

    fn attempts(&self) -> impl Iterator<Item = &Value> {
        self.json["attempts"].as_array().into_iter().flatten()
    }
}
