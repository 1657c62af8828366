//! Opening connections, and saying in one sentence why it cannot be done.

use super::OpenError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a start waits for another process to let go of the file. Long enough for a
/// predecessor that is ending, short enough for a person who waits for the answer.
const START_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a commit waits for another process at run time: what Spin waits too.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read waits, on a thread that serves others too. In WAL mode only a process that
/// opens or closes the file makes readers wait, and not for long.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// Spin's layout, to the letter, since whoever comes first creates it.
///
/// The row id that it leaves in place earns its keep: a listing reads the index of the primary
/// key alone, which holds no values.
const CREATE_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS spin_key_value (
        store TEXT NOT NULL,
        key   TEXT NOT NULL,
        value BLOB NOT NULL,

        PRIMARY KEY (store, key)
    )";

/// The connection that writes. Creates the file, its directory and its table, and proves that
/// nobody else holds the write lock.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    create_directory(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE, START_TIMEOUT)?;
    prepare(&connection).map_err(|error| explain(path, &error))?;
    if connection.is_readonly("main").unwrap_or(true) {
        return Err(refuse(
            path,
            "it is read-only",
            "make it writable for this user",
        ));
    }
    if let Err(error) = connection.prepare("SELECT store, key, value FROM spin_key_value") {
        return Err(refuse(
            path,
            &format!("its table `spin_key_value` is not a key-value store's ({error})"),
            "use another file",
        ));
    }
    finish(path, connection, WRITE_TIMEOUT)
}

/// The connection that moves the log into the file, beside the one of [`writer`].
pub(super) fn checkpointer(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::empty(), START_TIMEOUT)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(|error| explain(path, &error))?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::empty(), START_TIMEOUT)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| explain(path, &error))?;
    finish(path, connection, READ_TIMEOUT)
}

fn create_directory(path: &Path) -> Result<(), OpenError> {
    // A bare file name has the parent ``, which is here and need not be created.
    let Some(directory) = path.parent().filter(|parent| parent != &Path::new("")) else {
        return Ok(());
    };
    std::fs::create_dir_all(directory).map_err(|error| {
        refuse(
            path,
            &format!(
                "cannot create directory `{}` ({error})",
                directory.display()
            ),
            "create it for this user, or choose another with `--state-dir`",
        )
    })
}

fn connect(path: &Path, flags: OpenFlags, timeout: Duration) -> Result<Connection, OpenError> {
    // No mutex in SQLite: each connection belongs to one thread or stands behind a lock.
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| explain(path, &error))?;
    finish(path, connection, timeout)
}

fn finish(path: &Path, connection: Connection, timeout: Duration) -> Result<Connection, OpenError> {
    connection
        .busy_timeout(timeout)
        .map_err(|error| explain(path, &error))?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    // First of all, because this is what finds out whether the file is a database at all.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode anything less would answer writes that a power cut can undo.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The checkpointer does it instead, and not in the way of a commit.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {CREATE_TABLE}; COMMIT"))
}

fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let (problem, fix) = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => (
            "it is not a SQLite database".to_owned(),
            "move it away, or use another file",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            format!("it is damaged ({error})"),
            "restore it from a backup, or move it away",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            "another process has locked it".to_owned(),
            "stop that process, or choose another directory with `--state-dir`",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) if path.is_dir() => {
            ("it is a directory".to_owned(), "use another file")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => (
            format!("it cannot be read and written ({error})"),
            "make it and its directory readable and writable for this user",
        ),
        Some(ErrorCode::DiskFull) => ("the disk is full".to_owned(), "make room"),
        _ => (
            error.to_string(),
            "check the file and its disk, or use another file",
        ),
    };
    refuse(path, &problem, fix)
}

fn refuse(path: &Path, problem: &str, fix: &str) -> OpenError {
    OpenError {
        store: format!("SQLite file `{}`", path.display()),
        problem: problem.to_owned(),
        fix: fix.to_owned(),
    }
}
