//! The store: a thread that writes, as many writes to a commit as wait for one, and readers beside it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc as channel, oneshot};
use uuid::Uuid;

use crate::order;

/// The most writes that one commit has: so that the first of them does not wait for long.
const WRITES_MAX: usize = 1024;

/// An open order: what its worker has to know.
#[derive(Clone, Copy)]
pub struct Open {
    id: Uuid,
    work_ms: u64,
}

/// What is told of an order.
#[derive(Clone, Copy)]
pub struct Record {
    pub created_ms: i64,
    pub completed_ms: Option<i64>,
}

enum Write {
    Accept {
        open: Open,
        created_ms: i64,
        order: Bytes,
        durable: oneshot::Sender<()>,
    },
    Complete {
        id: Uuid,
        completed_ms: i64,
    },
}

pub struct Store {
    file: PathBuf,
    writes: mpsc::Sender<Write>,
}

thread_local! {
    static READER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

impl Store {
    /// Opens it; what is accepted, and what was open before, comes out of the receiver.
    pub fn open(file: PathBuf) -> Result<(Self, channel::UnboundedReceiver<Open>)> {
        let connection = Connection::open(&file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS orders (id BLOB PRIMARY KEY, created_ms INTEGER NOT NULL,
             work_ms INTEGER NOT NULL, completed_ms INTEGER, body BLOB NOT NULL) WITHOUT ROWID",
        )?;
        let (accepted, receiver) = channel::unbounded_channel();
        for open in open_orders(&connection)? {
            // OK to ignore: the receiver is right here.
            let _ = accepted.send(open);
        }
        let (writes, waiting) = mpsc::channel();
        thread::spawn(move || write(&connection, &waiting, &accepted));
        Ok((Self { file, writes }, receiver))
    }

    /// Writes an order; returns when it is durable, and nothing if it could not be.
    pub async fn accept(&self, id: Uuid, work_ms: u64, order: Bytes) -> Option<Record> {
        let created_ms = now_ms();
        let (durable, written) = oneshot::channel();
        let write = Write::Accept {
            open: Open { id, work_ms },
            created_ms,
            order,
            durable,
        };
        self.writes.send(write).ok()?;
        written.await.ok()?;
        Some(Record {
            created_ms,
            completed_ms: None,
        })
    }

    /// Reads what is told of an order.
    pub fn find(&self, id: Uuid) -> Option<Record> {
        self.read(|connection| {
            let sql = "SELECT created_ms, completed_ms FROM orders WHERE id = ?1";
            let mut select = connection.prepare_cached(sql)?;
            let record = select.query_row([id.as_bytes()], |row| {
                Ok(Record {
                    created_ms: row.get(0)?,
                    completed_ms: row.get(1)?,
                })
            });
            record.optional()
        })
    }

    /// Reads the result of an order that is completed.
    pub fn result(&self, id: Uuid) -> Option<String> {
        self.read(|connection| {
            let sql =
                "SELECT body, completed_ms FROM orders WHERE id = ?1 AND completed_ms IS NOT NULL";
            let mut select = connection.prepare_cached(sql)?;
            let result = select.query_row([id.as_bytes()], |row| {
                Ok(order::result(row.get_ref(0)?.as_blob()?, row.get(1)?))
            });
            result.optional().map(Option::flatten)
        })
    }

    /// Reads by this thread's own connection. What fails is told as if it were not there.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>) -> Option<T> {
        READER.with_borrow_mut(|reader| {
            if reader.is_none() {
                *reader = Some(Connection::open(&self.file).ok()?);
            }
            read(reader.as_ref()?).ok().flatten()
        })
    }
}

/// Works on what is accepted: waits for as long as the order says, and has the end written.
pub async fn work(store: Arc<Store>, mut accepted: channel::UnboundedReceiver<Open>) {
    while let Some(open) = accepted.recv().await {
        if open.work_ms == 0 {
            complete(&store, open.id);
            continue;
        }
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(open.work_ms)).await;
            complete(&store, open.id);
        });
    }
}

fn complete(store: &Store, id: Uuid) {
    let completed_ms = now_ms();
    // OK to ignore: without a writer nothing is accepted either, and the order stays open.
    let _ = store.writes.send(Write::Complete { id, completed_ms });
}

/// The thread that writes. It ends when it cannot, so that nothing more is accepted.
fn write(
    connection: &Connection,
    waiting: &mpsc::Receiver<Write>,
    accepted: &channel::UnboundedSender<Open>,
) {
    let mut durable = Vec::new();
    while let Ok(first) = waiting.recv() {
        let others = waiting.try_iter().take(WRITES_MAX - 1);
        let writes = std::iter::once(first).chain(others);
        if let Err(error) = commit(connection, writes, &mut durable) {
            eprintln!("error: cannot write: {error}");
            return;
        }
        for (open, sender) in durable.drain(..) {
            // OK to ignore: a client that left has no less of an order.
            let _ = sender.send(());
            let _ = accepted.send(open);
        }
    }
}

/// Writes all of these in one commit; those who wait for it are pushed onto `durable`.
fn commit(
    connection: &Connection,
    writes: impl Iterator<Item = Write>,
    durable: &mut Vec<(Open, oneshot::Sender<()>)>,
) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    let sql = "INSERT INTO orders (id, created_ms, work_ms, body) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    let mut complete =
        connection.prepare_cached("UPDATE orders SET completed_ms = ?2 WHERE id = ?1")?;
    for write in writes {
        match write {
            Write::Accept {
                open,
                created_ms,
                order,
                durable: sender,
            } => {
                let work_ms = i64::try_from(open.work_ms).unwrap_or(i64::MAX);
                insert.execute(params![open.id.as_bytes(), created_ms, work_ms, &order[..]])?;
                durable.push((open, sender));
            }
            Write::Complete { id, completed_ms } => {
                complete.execute(params![id.as_bytes(), completed_ms])?;
            }
        }
    }
    transaction.commit()
}

fn open_orders(connection: &Connection) -> Result<Vec<Open>> {
    let mut select =
        connection.prepare("SELECT id, work_ms FROM orders WHERE completed_ms IS NULL")?;
    let orders = select.query_map([], |row| {
        let work_ms: i64 = row.get(1)?;
        Ok(Open {
            id: Uuid::from_bytes(row.get(0)?),
            work_ms: work_ms.unsigned_abs(),
        })
    })?;
    Ok(orders.collect::<rusqlite::Result<_>>()?)
}

fn now_ms() -> i64 {
    let elapsed = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
