//! A store that is filled from beside the host: more orders than could be submitted in time.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tests::store_file;
use uuid::{NoContext, Timestamp, Uuid};

/// What the ids of nobody's orders end with: the first bytes of the SHA-256 of no owner's name.
const NOBODY: [u8; 3] = [0xe3, 0xb0, 0xc4];

/// How old the oldest is: within the default retention, so that none is removed.
const AGE: Duration = Duration::from_hours(6 * 24);

/// Writes completed orders, and open ones whose next attempt is due in an hour, into the store of
/// a host that does not run but has run.
pub fn fill(state_dir: &Path, retained: usize, open: usize) -> Result<()> {
    let mut store = Connection::open(store_file(state_dir))?;
    let now = SystemTime::UNIX_EPOCH.elapsed()?;
    let oldest = now.checked_sub(AGE).context("the clock is in 1970")?;
    let transaction = store.transaction()?;
    {
        let mut insert = transaction
            .prepare("INSERT INTO spin_key_value (store, key, value) VALUES ('default', ?1, ?2)")?;
        let total = u32::try_from(retained + open)?;
        for index in 0..total {
            let created = oldest + AGE / total * index;
            let id = id_at(created);
            // Spread evenly among the others.
            let is_open = open > 0 && (index as usize).is_multiple_of((retained + open) / open);
            let value = record(id, created, is_open.then_some(now));
            let place = if is_open { "open" } else { "order" };
            insert.execute(params![
                format!("{place}_{id}"),
                value.to_string().as_bytes()
            ])?;
        }
    }
    transaction.commit()?;
    store.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// A fresh id of an order that was created then.
fn id_at(created: Duration) -> Uuid {
    let time = Timestamp::from_unix(NoContext, created.as_secs(), created.subsec_nanos());
    let mut bytes = Uuid::new_v7(time).into_bytes();
    bytes[16 - NOBODY.len()..].copy_from_slice(&NOBODY);
    Uuid::from_bytes(bytes)
}

/// A record as the application stores it.
fn record(id: Uuid, created: Duration, open_at: Option<Duration>) -> Value {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let created_ms = ms(created);
    let token = Uuid::from_u128(id.as_u128() ^ 0xf);
    let ended_ms = created_ms + 12_345;
    let state = match open_at {
        Some(now) => json!({"pending": {"nextAttemptAt": ms(now) + 3_600_000}}),
        None => json!({"completed": {"at": ended_ms}}),
    };
    let outcome = if open_at.is_some() {
        "retryable"
    } else {
        "completed"
    };
    json!({
        "version": 1,
        "revision": 9,
        "write": token,
        "id": id,
        "createdAt": created_ms,
        "updatedAt": ended_ms,
        "maxAttempts": 20,
        "attempt": 1,
        "attempts": [{
            "number": 1,
            "token": token,
            "startedAt": created_ms + 5,
            "endedAt": ended_ms,
            "outcome": outcome,
        }],
        "state": state,
        "order": tests::order_with(json!({})),
    })
}
