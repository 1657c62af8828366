//! A look into the host's store from beside it, where the HTTP surface does not tell enough.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::Host;

/// The file of the key-value store `default`, in the layout that Spin and the shim share.
pub fn store_file(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

/// The keys in a host's store that tell of orders: all but those by which replicas take turns, and
/// that of probes.
pub fn order_keys(host: &Host) -> BTreeSet<String> {
    let file = store_file(host.state_dir());
    let read = || -> rusqlite::Result<BTreeSet<String>> {
        let store = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let query = "SELECT key FROM spin_key_value WHERE key NOT IN ('sweep', 'expiry', 'probe')";
        let mut query = store.prepare(query)?;
        query.query_map((), |row| row.get(0))?.collect()
    };
    read().unwrap_or_else(|error| panic!("cannot read the keys in `{}`: {error}", file.display()))
}

/// Locks a store as a whole, until the returned connection is dropped. A store that is not there
/// yet is made.
pub fn lock_store(state_dir: &Path) -> Connection {
    locked(state_dir, "BEGIN EXCLUSIVE; CREATE TABLE held (by_a_test)")
}

/// Keeps a store from being written, until the returned connection is dropped. It can be read.
pub fn lock_store_for_writing(state_dir: &Path) -> Connection {
    locked(state_dir, "BEGIN IMMEDIATE")
}

/// Takes a store's content away under the host, so that it can be neither read nor written.
pub fn break_store(state_dir: &Path) {
    let store = locked(
        state_dir,
        "BEGIN IMMEDIATE; ALTER TABLE spin_key_value RENAME TO away",
    );
    store
        .execute_batch("COMMIT")
        .expect("a store can be changed");
}

/// Writes over each order's record, and over what idempotency keys stand for, what nobody can read.
pub fn damage_records(state_dir: &Path) {
    let store = locked(
        state_dir,
        "BEGIN IMMEDIATE; UPDATE spin_key_value SET value = x'00'
         WHERE key LIKE 'open\\_%' ESCAPE '\\' OR key LIKE 'order\\_%' ESCAPE '\\' OR key LIKE 'bid\\_%' ESCAPE '\\'",
    );
    store
        .execute_batch("COMMIT")
        .expect("a store can be changed");
}

fn locked(state_dir: &Path, statement: &str) -> Connection {
    let store = Connection::open(store_file(state_dir)).expect("a store can be opened");
    // A host that writes all the time lets others have their turn in between.
    store
        .busy_timeout(Duration::from_secs(30))
        .expect("a time-out can be set");
    store
        .execute_batch(statement)
        .expect("a store can be locked");
    store
}

const FILE: &str = "sqlite_key_value.db";
