//! A look into the host's store from beside it, where the HTTP surface does not tell enough.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};

use crate::{Host, Setup};

/// The file of the key-value store `default`, in the layout that Spin and the shim share.
pub fn store_file(setup: &Setup) -> PathBuf {
    setup.state_dir().join(FILE)
}

/// The keys in a host's store that tell of orders: all but the one that sweeps keep for themselves.
pub fn order_keys(host: &Host) -> BTreeSet<String> {
    let file = host.state_dir().join(FILE);
    let read = || -> rusqlite::Result<BTreeSet<String>> {
        let store = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut query = store.prepare("SELECT key FROM spin_key_value WHERE key <> 'sweep'")?;
        query.query_map((), |row| row.get(0))?.collect()
    };
    read().unwrap_or_else(|error| panic!("cannot read the keys in `{}`: {error}", file.display()))
}

/// Locks the store of a host that is yet to be started, until the returned connection is dropped.
pub fn lock_store(setup: &Setup) -> Connection {
    let store = Connection::open(store_file(setup))
        .expect("a database can be made in a temporary directory");
    store
        .execute_batch("BEGIN EXCLUSIVE; CREATE TABLE held (by_a_test)")
        .expect("a new database can be locked");
    store
}

const FILE: &str = "sqlite_key_value.db";
