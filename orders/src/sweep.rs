//! Sweep: find open orders that nobody works on, and remove what has had its time.
//!
//! Nothing is scheduled from outside: requests, health probes and the host's timer all
//! ask for a sweep, and one of them gets the turn.

use futures::StreamExt;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::idempotency::forget;
use crate::update::{UpdateError, read};
use crate::{Key, OrderId, Record, Snapshot, Store, StoreError, Timestamp, Token};

/// How long after an order became claimable its dispatch counts as lost, in milliseconds.
pub const DISPATCH_GRACE_MS: u64 = 2_000;
/// How old a marker without a record is before it counts as left over by a crash, in milliseconds.
const MARKER_GRACE_MS: u64 = 60_000;
/// How many records are read, or removed, at once: enough to hide a store's latency.
const CONCURRENCY: usize = 32;
/// How many records whose retention has ended one sweep removes, at most. The next goes on.
const REMOVED_MAX: usize = 10_000;

/// How often to sweep, and how long to keep.
#[derive(Clone, Copy, Debug)]
pub struct SweepPolicy {
    /// The time between two sweeps, in milliseconds, unless something is due sooner.
    pub interval_ms: u64,
    /// How long an order is kept after it was submitted, if it has ended, in milliseconds.
    pub retention_ms: u64,
}

/// Whether this caller sweeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It does.
    Taken(Swept),
    /// Not now: ask again at the given time.
    NotDue(Timestamp),
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Orders to dispatch, oldest first.
    pub due: Vec<OrderId>,
    /// How many orders are open.
    pub open: usize,
    /// How many records were removed because their retention has ended.
    pub removed: usize,
    /// When the next sweep is due.
    pub next_at: Timestamp,
}

/// What is stored at [`Key::Sweep`]: whose turn the last sweep was, and when the next is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SweepRecord {
    write: Token,
    next_at: Timestamp,
}

/// Sweeps, if it is time and no other replica does. `writes` name the two writes to the sweep record.
///
/// Lists the keys once, and reads records only of open orders and of those that it removes.
/// A sweep that dies is taken up after the interval.
///
/// # Errors
/// If the store failed. What was done stays done; the next sweep does the rest.
pub async fn sweep<S: Store>(
    store: &S,
    policy: SweepPolicy,
    writes: [Token; 2],
    now: Timestamp,
) -> Result<Turn, StoreError> {
    let [first, last] = writes;
    let latest_at = now.plus_ms(policy.interval_ms);
    if let Some(not_before) = take_turn(
        store,
        SweepRecord {
            write: first,
            next_at: latest_at,
        },
        policy.interval_ms,
        now,
    )
    .await?
    {
        return Ok(Turn::NotDue(not_before));
    }
    let listed = list(store, now.as_unix_ms().saturating_sub(policy.retention_ms)).await?;
    let looked = look(store, &listed.open, now).await?;
    let removed = remove_ended(store, &listed.old).await?;

    let next_at = looked
        .next_due_at
        .map_or(latest_at, |due| due.clamp(now, latest_at));
    // Only to be sooner than said; if it fails, the next sweep is at `latest_at`.
    let _later_is_well = advance(
        store,
        first,
        SweepRecord {
            write: last,
            next_at,
        },
    )
    .await;
    Ok(Turn::Taken(Swept {
        due: looked.due,
        open: looked.open,
        removed,
        next_at,
    }))
}

/// When the last sweep said that the next is due, if there was one. For who has just come and would
/// ask too early: a look is cheaper than a call.
///
/// # Errors
/// If the store failed.
pub async fn next_sweep_at<S: Store>(store: &S) -> Result<Option<Timestamp>, StoreError> {
    let latest = store.get(&Key::Sweep).await?.as_deref().and_then(decode);
    Ok(latest.map(|latest| latest.next_at))
}

/// Whether an order that nobody seems to work on should be dispatched now.
///
/// A little later than it may be claimed, so that a dispatch under way is not repeated.
pub fn needs_dispatch(record: &Record, now: Timestamp) -> bool {
    dispatch_due_at(record).is_some_and(|due| due <= now)
}

fn dispatch_due_at(record: &Record) -> Option<Timestamp> {
    let grace_ms = if record.status() == crate::Status::Pending {
        DISPATCH_GRACE_MS
    } else {
        0
    };
    record.claimable_at().map(|at| at.plus_ms(grace_ms))
}

/// Takes the turn by a fenced write, or returns when it is time to ask again.
///
/// Of replicas that ask at once, one gets it. (On a store that lets two create the same
/// absent key, both may get the very first turn: two sweeps instead of one do no harm.)
async fn take_turn<S: Store>(
    store: &S,
    mine: SweepRecord,
    interval_ms: u64,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let snapshot = store.snapshot(&Key::Sweep).await?;
    // Clocks of replicas differ a little. A time further ahead than that comes from a clock that
    // is wrong: not believed, so that one replica's clock cannot stop everybody's sweeps.
    if let Some(current) = snapshot.value().and_then(decode)
        && now < current.next_at
        && current.next_at <= mine.next_at.plus_ms(interval_ms)
    {
        return Ok(Some(current.next_at));
    }
    // What the swap says is no matter; what is there afterwards is.
    let _hint = store.swap(snapshot, &encode(mine)).await;
    let current = store.get(&Key::Sweep).await?.as_deref().and_then(decode);
    if current == Some(mine) {
        Ok(None)
    } else {
        Ok(Some(mine.next_at))
    }
}

/// Replaces the sweep record, if the turn is still the one that `mine` took.
async fn advance<S: Store>(store: &S, mine: Token, next: SweepRecord) -> Result<(), StoreError> {
    let snapshot = store.snapshot(&Key::Sweep).await?;
    if snapshot
        .value()
        .and_then(decode)
        .is_some_and(|current| current.write == mine)
    {
        store.swap(snapshot, &encode(next)).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Listed {
    open: Vec<OrderId>,
    /// Records of orders that were submitted before the retention's begin.
    old: Vec<OrderId>,
}

async fn list<S: Store>(store: &S, kept_from_ms: u64) -> Result<Listed, StoreError> {
    let mut listed = Listed::default();
    // Ids sort by time, and so do keys of one kind: what sorts before this one is older. Telling
    // that by the text alone keeps the listing of a million records cheap.
    let kept_from =
        Key::Record(OrderId::first_at(Timestamp::from_unix_ms(kept_from_ms))).to_string();
    store
        .keys(|key| {
            if let Some(id) = key.strip_prefix(Key::MARKER_PREFIX) {
                listed.open.extend(id.parse::<OrderId>());
            } else if let Some(id) = key.strip_prefix(Key::RECORD_PREFIX)
                && key < kept_from.as_str()
                && listed.old.len() < REMOVED_MAX
            {
                listed.old.extend(id.parse::<OrderId>());
            }
        })
        .await?;
    listed.open.sort_unstable();
    // An open order is kept however old it is.
    listed
        .old
        .retain(|id| listed.open.binary_search(id).is_err());
    Ok(listed)
}

#[derive(Default)]
struct Looked {
    due: Vec<OrderId>,
    open: usize,
    /// When the first order that is not due yet will be.
    next_due_at: Option<Timestamp>,
}

/// Looks at every open order.
async fn look<S: Store>(store: &S, open: &[OrderId], now: Timestamp) -> Result<Looked, StoreError> {
    let mut looked = Looked::default();
    let mut records = stream::iter(open.iter().copied())
        .map(|id| async move { (id, read(store, id).await) })
        .buffer_unordered(CONCURRENCY);
    while let Some((id, record)) = records.next().await {
        let record = match record {
            Ok(record) => record,
            Err(UpdateError::Store(error)) => return Err(error),
            // One damaged record must not keep the others from being found; its status tells of it.
            Err(_) => continue,
        };
        match record.as_ref().map(dispatch_due_at) {
            Some(Some(due)) => {
                looked.open += 1;
                if due <= now {
                    looked.due.push(id);
                } else {
                    looked.next_due_at = Some(looked.next_due_at.map_or(due, |next| next.min(due)));
                }
            }
            // A crash between the record and the marker of an order that ended.
            Some(None) => store.delete(&Key::Marker(id)).await?,
            // A crash between the marker and the record of one that was never accepted.
            None if now.ms_since(id.created_at()) > MARKER_GRACE_MS => {
                store.delete(&Key::Marker(id)).await?;
            }
            None => {}
        }
    }
    looked.due.sort_unstable();
    Ok(looked)
}

/// Removes records whose retention has ended, each with its idempotency key.
async fn remove_ended<S: Store>(store: &S, old: &[OrderId]) -> Result<usize, StoreError> {
    let mut removals = stream::iter(old.iter().copied())
        .map(|id| async move {
            if let Ok(Some(Record {
                idempotency_key: Some(key),
                ..
            })) = read(store, id).await
            {
                forget(store, key, id).await?;
            }
            store.delete(&Key::Record(id)).await
        })
        .buffer_unordered(CONCURRENCY);
    let mut removed = 0;
    while let Some(removal) = removals.next().await {
        removal?;
        removed += 1;
    }
    Ok(removed)
}

fn encode(record: SweepRecord) -> Vec<u8> {
    // OK because the record's keys are strings and no field's serializer fails.
    serde_json::to_vec(&record).expect("a sweep record is always JSON")
}

/// A sweep record that cannot be read counts as none: the next turn writes a good one.
fn decode(value: &[u8]) -> Option<SweepRecord> {
    serde_json::from_slice(value).ok()
}
