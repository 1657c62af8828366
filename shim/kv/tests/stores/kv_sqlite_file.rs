//! What holds of the SQLite back end's file alone: Spin can use it and ours can use Spin's, its log
//! stays short, and a start says in one sentence why a file cannot be used and what to do.

use crate::fixture::{Fixture, Sqlite};
use kv::{Backend, ErrorKind, SizeLimits, Stores};
use rusqlite::{Connection, params};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What Spin runs when it opens the file.
const SPIN_TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";

#[tokio::test]
async fn a_file_of_ours_can_be_opened_plainly_after_a_close() {
    let fixture = Sqlite::new();
    let labels = fixture.open().await;
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    store.increment("n", -2).await.unwrap();
    labels.stores.close().await;

    let mut beside: Vec<_> = fs::read_dir(fixture.file().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    beside.sort();
    assert_eq!(beside, ["sqlite_key_value.db", "sqlite_key_value.db.lock"]);

    let connection = Connection::open(fixture.file()).unwrap();
    connection.execute_batch(SPIN_TABLE).unwrap();
    let mut statement = connection
        .prepare("SELECT store, key, value FROM spin_key_value ORDER BY key")
        .unwrap();
    let rows: Vec<(String, String, Vec<u8>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let row = |key: &str, value: &[u8]| ("default".to_owned(), key.to_owned(), value.to_vec());
    assert_eq!(rows, [row("a", b"1"), row("n", &(-2_i64).to_le_bytes())]);
}

#[tokio::test]
async fn a_tenure_lasts_while_anybody_has_the_file_open() {
    let fixture = Sqlite::new();
    let first = fixture.open().await.stores;
    let tenure = first.tenure();
    assert!(tenure.is_some());
    let second = fixture.open().await.stores;
    assert_eq!(second.tenure(), tenure);
    drop(first);
    assert_eq!(fixture.open().await.stores.tenure(), tenure);
    drop(second);
    let next = fixture.open().await.stores.tenure();
    assert!(next.is_some() && next != tenure);
}

#[tokio::test]
async fn a_file_of_spins_is_taken_over() {
    let fixture = Sqlite::new();
    spin_writes(&fixture.file(), "a", b"from Spin");
    spin_writes(&fixture.file(), "n", &41_i64.to_le_bytes());

    let labels = fixture.open().await;
    let store = labels.default();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"from Spin");
    assert_eq!(store.increment("n", 1).await.unwrap(), 42);
}

#[tokio::test]
async fn a_file_is_shared_with_a_spin_that_writes_meanwhile() {
    let fixture = Sqlite::new();
    let labels = fixture.open().await;
    let store = labels.default();
    for n in 0..100_u8 {
        store.set("ours", vec![n]).await.unwrap();
        spin_writes(&fixture.file(), "theirs", &[n]);
        assert_eq!(store.get("theirs").await.unwrap().unwrap(), [n]);
    }
}

#[tokio::test]
async fn a_closed_store_refuses_and_a_second_close_does_nothing() {
    let fixture = Sqlite::new();
    let labels = fixture.open().await;
    let store = labels.default();
    labels.stores.close().await;
    labels.stores.close().await;
    let refusals = [
        store.set("a", b"1".to_vec()).await,
        store.get("a").await.map(drop),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.to_string().ends_with("the store is closed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_value_that_no_store_wrote_is_an_error_and_not_a_crash() {
    let fixture = Sqlite::new();
    let labels = fixture.open().await;
    let store = labels.default();
    Connection::open(fixture.file())
        .unwrap()
        .execute_batch(
            "INSERT INTO spin_key_value VALUES ('default', 'number', 7), ('default', x'ff', '')",
        )
        .unwrap();
    let errors = [
        store.get("number").await.map(drop).unwrap_err(),
        store.increment("number", 1).await.map(drop).unwrap_err(),
        futures::StreamExt::next(&mut store.keys())
            .await
            .unwrap()
            .map(drop)
            .unwrap_err(),
    ];
    assert_eq!(
        errors.each_ref().map(ToString::to_string),
        [
            "the value of key `number` is of type Integer, expected bytes",
            "key `number` holds a value of type Integer, expected an integer written by increment",
            "a key of label `default` is of type Blob, expected text in UTF-8",
        ],
    );
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Data));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_short_while_writes_and_reads_go_on() {
    const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
    let fixture = Sqlite::new();
    let labels = fixture.open().await;
    let log = fixture.file().with_extension("db-wal");
    let mut written_bytes = 0;
    // Several logs' worth, from tasks that never pause, so that it is moved while they go on.
    while written_bytes < 4 * LOG_BYTES_MAX {
        let writes = (0..64).map(async |n| {
            let (store, key) = (labels.default(), format!("key_{n}"));
            store.set(&key, vec![0; 32 * 1024]).await.unwrap();
            store.get(&key).await.unwrap().unwrap().len()
        });
        let sizes = futures::future::join_all(writes).await;
        written_bytes += sizes.iter().sum::<usize>() as u64;
        let log_bytes = fs::metadata(&log).unwrap().len();
        assert!(log_bytes < LOG_BYTES_MAX, "the log has {log_bytes} bytes");
    }
}

#[tokio::test]
async fn a_start_refuses_a_file_that_is_no_database() {
    let fixture = Sqlite::new();
    fs::write(
        fixture.file(),
        "just some text, long enough to be looked at\n".repeat(100),
    )
    .unwrap();
    assert_refused(
        &fixture.file(),
        "it is not a SQLite database; move it away, or use another file",
    )
    .await;
}

#[tokio::test]
async fn a_start_refuses_a_directory() {
    let fixture = Sqlite::new();
    fs::create_dir(fixture.file()).unwrap();
    assert_refused(&fixture.file(), "it is a directory; use another file").await;
}

#[tokio::test]
async fn a_start_refuses_a_table_of_another_shape() {
    let fixture = Sqlite::new();
    let connection = Connection::open(fixture.file()).unwrap();
    connection
        .execute_batch("CREATE TABLE spin_key_value (id, value)")
        .unwrap();
    assert_refused(
        &fixture.file(),
        "its table `spin_key_value` is not a key-value store's (no such column: store in \
         SELECT store, key, value FROM spin_key_value at offset 7); use another file",
    )
    .await;
}

#[tokio::test]
async fn a_start_refuses_a_directory_that_cannot_be_made() {
    let fixture = Sqlite::new();
    let file = fixture.file();
    fs::write(&file, "").unwrap();
    let directory = file.display();
    assert_refused(
        &file.join("sqlite_key_value.db"),
        &format!(
            "cannot create directory `{directory}` (File exists (os error 17)); \
             create it for this user, or choose another with `--state-dir`"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_start_refuses_a_file_that_another_process_holds() {
    let fixture = Sqlite::new();
    let other = Connection::open(fixture.file()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = Instant::now();
    assert_refused(
        &fixture.file(),
        "another process has locked it; \
         stop that process, or choose another directory with `--state-dir`",
    )
    .await;
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "it waits for a predecessor to end"
    );
}

/// Does what Spin does to set a key.
fn spin_writes(file: &Path, key: &str, value: &[u8]) {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch(SPIN_TABLE).unwrap();
    connection
        .execute(
            "INSERT INTO spin_key_value (store, key, value) VALUES ('default', $1, $2)
             ON CONFLICT(store, key) DO UPDATE SET value=$2",
            params![key, value],
        )
        .unwrap();
}

async fn assert_refused(file: &Path, reason: &str) {
    let backend = Backend::Sqlite {
        path: PathBuf::from(file),
    };
    let opened = Stores::open([("default".to_owned(), backend)], SizeLimits::default()).await;
    let Err(error) = opened else {
        panic!("`{}` was opened", file.display());
    };
    assert_eq!(
        error.to_string(),
        format!("cannot open SQLite file `{}`: {reason}", file.display()),
    );
}
