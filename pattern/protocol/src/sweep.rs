//! Sweep: find open orders that nobody works on.
//!
//! Nothing is scheduled from outside: requests, health probes and the host's timer all
//! ask for a sweep, and one of them gets the turn. What has had its time is removed by
//! [`expire`](crate::expire()), which nothing here waits for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use futures::StreamExt;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::id::OwnerTag;
use crate::keys::ids;
use crate::turn::{self, Taken, Turn};
use crate::update::{UpdateError, read};
use crate::{Key, OrderId, Record, State, Status, Store, StoreError, Timestamp, Token};

/// How long after an order became claimable its dispatch counts as lost, in milliseconds.
pub const DISPATCH_GRACE_MS: u64 = 2_000;
/// How many records are read at once: enough to hide a store's latency.
const CONCURRENCY: usize = 32;
/// How many times as long as a sweep took the next one waits at least: a tenth of the time is
/// spent on sweeps at most, however much is open, and however much a store that cannot list in order keeps.
const REST_FACTOR: u64 = 10;
/// How many owners that have used up their share of open orders are told apart, at most.
const OWNERS_FULL_MAX: usize = 1_000;
/// The longest that is waited for that reason, in milliseconds: an hour.
const REST_MS_MAX: u64 = 3_600_000;

/// Who sweeps, and how often.
#[derive(Clone, Copy, Debug)]
pub struct SweepPolicy {
    /// The time between two sweeps, in milliseconds, unless something is due sooner.
    pub interval_ms: u64,
    /// How many open orders one owner may have, as sweeps count them: see [`find_owners_full`].
    pub owner_open_max: usize,
    /// Names the time in which the sweeper's host has the store for itself, if it has: what was
    /// claimed in another's is due at once.
    pub tenure: Option<Token>,
}

/// Whether this caller sweeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepTurn {
    /// It does.
    Taken(Swept),
    /// Not now: ask again at the given time.
    NotDue(Timestamp),
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Names the turn.
    turn: Token,
    /// When the first order that is not due yet will be.
    next_due_at: Option<Timestamp>,
    /// Owners who have used up their share.
    owners_full: Vec<OwnerTag>,
    /// Orders to dispatch, oldest first: to be worked on, or to have their end told.
    pub due: Vec<OrderId>,
    /// Orders that are over and yet to be moved, by [`move_ended`](crate::move_ended).
    pub ended: Vec<OrderId>,
    /// How many orders are open.
    pub open: usize,
    /// Orders whose records could not be read, and why. The next sweep looks at them again.
    pub unread: Vec<(OrderId, String)>,
}

/// What a sweep leaves to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    /// The tenure that it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenure: Option<Token>,
    /// Owners who had used up their share of open orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owners_full: Vec<OwnerTag>,
}

/// Sweeps, if it is time and no other replica does; in a new tenure at once. `write` names the write
/// to the sweep record.
///
/// Lists the keys of open orders and reads their records. A sweep that dies is taken up after the
/// interval.
///
/// # Errors
/// If the turn could not be taken, or the keys could not be listed. A record that cannot be
/// read stops nothing for the others.
pub async fn sweep<S: Store>(
    store: &S,
    policy: SweepPolicy,
    write: Token,
    now: Timestamp,
) -> Result<SweepTurn, StoreError> {
    let tenure = policy.tenure;
    let in_new_tenure = |left: &Left| tenure.is_some() && left.tenure != tenure;
    let taken = turn::take(
        store,
        Key::Sweep,
        write,
        policy.interval_ms,
        now,
        in_new_tenure,
    );
    if let Taken::NotDue(next_at) = taken.await? {
        return Ok(SweepTurn::NotDue(next_at));
    }
    let mut open = Vec::new();
    ids(store, Key::OPEN_PREFIX, None..None, |id| {
        open.push(id);
        ControlFlow::Continue(())
    })
    .await?;
    let mut swept = Swept {
        turn: write,
        next_due_at: None,
        owners_full: Vec::new(),
        due: Vec::new(),
        ended: Vec::new(),
        open: 0,
        unread: Vec::new(),
    };
    let mut owners = BTreeMap::new();
    let mut records = stream::iter(open)
        .map(|id| async move { (id, read(store, &Key::Open(id), id).await) })
        .buffer_unordered(CONCURRENCY);
    while let Some((id, record)) = records.next().await {
        if swept.look(id, record, tenure, now) {
            *owners.entry(id.owner_tag()).or_insert(0_usize) += 1;
        }
    }
    let full = owners
        .into_iter()
        .filter(|(_, count)| *count >= policy.owner_open_max);
    swept.owners_full = full.map(|(tag, _)| tag).take(OWNERS_FULL_MAX).collect();
    swept.due.sort_unstable();
    Ok(SweepTurn::Taken(swept))
}

/// Says when the next sweep is due: when the first order will be, at the latest after the interval;
/// and later, if this sweep `took_ms`, with all that its caller did. Returns the time.
///
/// If the store fails, the next sweep is due after the interval.
pub async fn rest<S: Store>(
    store: &S,
    policy: SweepPolicy,
    swept: &Swept,
    took_ms: u64,
    write: Token,
    now: Timestamp,
) -> Timestamp {
    let due_in_ms = swept
        .next_due_at
        .map_or(policy.interval_ms, |due| due.ms_since(now));
    let rest_ms = took_ms.saturating_mul(REST_FACTOR).min(REST_MS_MAX);
    let wait_ms = due_in_ms.min(policy.interval_ms).max(rest_ms);
    let left = Left {
        tenure: policy.tenure,
        owners_full: swept.owners_full.clone(),
    };
    let next = Turn::new(write, now, wait_ms, left);
    let next_at = next.next_at;
    match turn::leave(store, Key::Sweep, swept.turn, next).await {
        Ok(()) => next_at,
        Err(_) => now.plus_ms(policy.interval_ms),
    }
}

/// When the next sweep is due, if it is not due yet. For who has just come and would ask too early: a
/// look is cheaper than a call.
///
/// # Errors
/// If the store failed.
pub async fn next_sweep_at<S: Store>(
    store: &S,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let latest: Option<Turn<Left>> = turn::latest(store, Key::Sweep).await?;
    Ok(latest
        .filter(|latest| latest.is_ahead(now))
        .map(|latest| latest.next_at))
}

/// Owners who have as many open orders as they may.
#[derive(Clone, Debug, Default)]
pub struct OwnersFull(Vec<OwnerTag>);

impl OwnersFull {
    /// Whether `owner` is one of them.
    pub fn contains(&self, owner: Option<&str>) -> bool {
        self.0.contains(&OwnerTag::of(owner))
    }
}

/// The owners who had as many open orders as they may when the last sweep looked.
///
/// A sweep counts what is open anyway, so that a submission need not: an owner may have more by what
/// it submits between two sweeps.
///
/// # Errors
/// If the store failed.
pub async fn find_owners_full<S: Store>(store: &S) -> Result<OwnersFull, StoreError> {
    let latest: Option<Turn<Left>> = turn::latest(store, Key::Sweep).await?;
    Ok(latest
        .map(|latest| OwnersFull(latest.left.owners_full))
        .unwrap_or_default())
}

/// Whether an order that nobody seems to work on should be dispatched now.
///
/// A little later than it may be claimed, or its end be told, so that a dispatch under way is not repeated.
pub fn needs_dispatch(record: &Record, now: Timestamp) -> bool {
    dispatch_due_at(record).is_some_and(|due| due <= now)
}

fn dispatch_due_at(record: &Record) -> Option<Timestamp> {
    let grace_ms = if record.status() == Status::Processing {
        0
    } else {
        DISPATCH_GRACE_MS
    };
    let due_at = record.claimable_at().or_else(|| record.tellable_at());
    due_at.map(|at| at.plus_ms(grace_ms))
}

impl Swept {
    /// Notes what is to be done for one of the orders found; says whether it is open, as far as is known.
    fn look(
        &mut self,
        id: OrderId,
        record: Result<Option<Record>, UpdateError<std::convert::Infallible>>,
        tenure: Option<Token>,
        now: Timestamp,
    ) -> bool {
        let record = match record {
            Ok(Some(record)) => record,
            // It ended and was moved meanwhile.
            Ok(None) => return false,
            Err(error) => {
                self.unread.push((id, error.to_string()));
                return true;
            }
        };
        let Some(due) = dispatch_due_at(&record) else {
            self.ended.push(id);
            return false;
        };
        // What has ended and is yet to be told takes nobody's share.
        let is_open = !record.status().is_terminal();
        self.open += usize::from(is_open);
        let is_dead = matches!(&record.state, State::Processing { claim, .. }
            if tenure.is_some() && claim.tenure != tenure);
        if due <= now || is_dead {
            self.due.push(id);
        } else if record.attempt > 0 || !is_open {
            // What was just accepted is most likely under way: that is no reason to sweep soon.
            self.next_due_at = Some(self.next_due_at.map_or(due, |next| next.min(due)));
        }
        is_open
    }
}
