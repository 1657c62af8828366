//! A look into the host's store from beside it, where the HTTP surface does not tell enough.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};

use crate::{Host, Setup};

/// The file of the key-value store `default`, in the layout that Spin and the shim share.
pub fn store_file(setup: &Setup) -> PathBuf {
    setup.state_dir().join(FILE)
}

/// How many keys a host's store holds.
pub fn keys_stored(host: &Host) -> i64 {
    let file = host.state_dir().join(FILE);
    let store = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .unwrap_or_else(|error| panic!("cannot open `{}`: {error}", file.display()));
    store
        .query_row("SELECT count(*) FROM spin_key_value", (), |row| row.get(0))
        .unwrap_or_else(|error| panic!("cannot count the keys in `{}`: {error}", file.display()))
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
