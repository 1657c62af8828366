//! Expire: remove orders that ended so long ago that nobody needs them any more.
//!
//! Reads the keys of ended orders alone, so that it can touch no open one. Nothing waits for
//! it, and it takes turns of its own.

use std::collections::BinaryHeap;
use std::convert::Infallible;
use std::ops::ControlFlow;

use futures::StreamExt;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::idempotency::forget;
use crate::keys::{Listing, ids};
use crate::turn::{self, Taken, Turn};
use crate::update::{UpdateError, read};
use crate::{Key, OrderId, Store, StoreError, Timestamp, Token};

/// How many records one turn looks at, at most. The next goes on behind them.
const LOOKED_AT_MAX: usize = 10_000;
/// How many records are read, or removed, at once: enough to hide a store's latency.
const CONCURRENCY: usize = 32;
/// How many times as long as a turn took the next one waits, where there is more to be looked at:
/// a fourth of the time is spent on it at most.
const REST_FACTOR: u64 = 3;
/// The same where the store cannot list in order, so that each turn goes through every key it has.
const UNORDERED_REST_FACTOR: u64 = 50;
/// By how much the clocks of replicas may differ, in milliseconds: what one saw end now is not removed
/// early by another whose clock is that far ahead.
pub const CLOCKS_DIFFER_MS: u64 = 300_000;
/// The longest wait for a next turn, in milliseconds: an hour.
const WAIT_MS_MAX: u64 = 3_600_000;

/// How often to look, and how long to keep.
#[derive(Clone, Copy, Debug)]
pub struct ExpiryPolicy {
    /// The shortest time between two looks, in milliseconds.
    pub interval_ms: u64,
    /// How long an order is kept after it ended, in milliseconds, at least. It may be
    /// [`CLOCKS_DIFFER_MS`] and an hour longer.
    pub retention_ms: u64,
}

impl ExpiryPolicy {
    fn kept_ms(self) -> u64 {
        self.retention_ms.saturating_add(CLOCKS_DIFFER_MS)
    }
}

/// Whether this caller removes what has had its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpiryTurn {
    /// It does.
    Taken(Expired),
    /// Not now: ask again at the given time.
    NotDue(Timestamp),
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    turn: Token,
    left: Left,
    listing: Listing,
    /// How many records were removed because their retention has ended.
    pub removed: usize,
    /// Orders that could not be read or removed, and why. They are looked at again.
    pub failed: Vec<(OrderId, String)>,
}

/// What one turn leaves to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    /// Which of the records that are old enough was looked at last; from the oldest if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<OrderId>,
    /// When the first of those that were looked at and kept, since the oldest, can be removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_at: Option<Timestamp>,
}

/// Removes what has had its time, if it is time and no other replica does. `write` names the write
/// to the expiry record.
///
/// Looks at records of orders that were *submitted* a retention ago, the oldest first, and removes
/// those that *ended* a retention ago, each with its idempotency key.
///
/// # Errors
/// If the turn could not be taken, or the keys could not be listed.
pub async fn expire<S: Store>(
    store: &S,
    policy: ExpiryPolicy,
    write: Token,
    now: Timestamp,
) -> Result<ExpiryTurn, StoreError> {
    let taken = turn::take(store, Key::Expiry, write, policy.interval_ms, now, |_| {
        false
    });
    let left: Left = match taken.await? {
        Taken::NotDue(next_at) => return Ok(ExpiryTurn::NotDue(next_at)),
        Taken::Yes(left) => left,
    };
    let kept_from = Timestamp::from_unix_ms(now.as_unix_ms().saturating_sub(policy.kept_ms()));
    let (old, listing) = list_old(store, left.after, OrderId::first_at(kept_from)).await?;
    let has_more = old.len() == LOOKED_AT_MAX;
    let last = old.last().copied();
    let mut expired = Expired {
        turn: write,
        left,
        listing,
        removed: 0,
        failed: Vec::new(),
    };
    let mut looks = stream::iter(old)
        .map(|id| async move { (id, look(store, id, kept_from).await) })
        .buffer_unordered(CONCURRENCY);
    while let Some((id, look)) = looks.next().await {
        expired.note(id, look, policy.kept_ms());
    }
    expired.left.after = last.filter(|_| has_more);
    Ok(ExpiryTurn::Taken(expired))
}

/// Says when the next turn is due, after one that `took_ms`, and returns the time.
///
/// At once, as far as that leaves time for other things, if there is more to look at; otherwise when
/// the first of those that were kept can be removed, at the latest in an hour.
pub async fn rest<S: Store>(
    store: &S,
    policy: ExpiryPolicy,
    expired: &Expired,
    took_ms: u64,
    write: Token,
    now: Timestamp,
) -> Timestamp {
    let factor = match expired.listing {
        Listing::Ordered => REST_FACTOR,
        Listing::Unordered => UNORDERED_REST_FACTOR,
    };
    let mut left = expired.left;
    let wait_ms = if left.after.is_some() {
        0
    } else {
        // A pass is complete, and the next begins with the oldest.
        left.first_at
            .take()
            .map_or(WAIT_MS_MAX, |first_at| first_at.ms_since(now))
            // What was young when this pass went by.
            .min(policy.retention_ms)
            .max(policy.interval_ms)
    };
    let wait_ms = wait_ms.max(took_ms.saturating_mul(factor)).min(WAIT_MS_MAX);
    let next = Turn::new(write, now, wait_ms, left);
    let next_at = next.next_at;
    match turn::leave(store, Key::Expiry, expired.turn, next).await {
        Ok(()) => next_at,
        Err(_) => now.plus_ms(policy.interval_ms),
    }
}

/// The oldest of the ended orders whose ids are after `after` and before `before`, in order.
async fn list_old<S: Store>(
    store: &S,
    after: Option<OrderId>,
    before: OrderId,
) -> Result<(Vec<OrderId>, Listing), StoreError> {
    // The largest is on top, so that the smallest are kept.
    let mut old = BinaryHeap::new();
    let listing = ids(store, Key::ENDED_PREFIX, after..Some(before), |id| {
        if Some(id) != after {
            old.push(id);
        }
        if old.len() > LOOKED_AT_MAX {
            old.pop();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
    .await?;
    Ok((old.into_sorted_vec(), listing))
}

/// What was made of one record.
enum Look {
    Removed,
    /// It is kept, and ended then.
    Kept(Timestamp),
    Failed(String),
}

async fn look<S: Store>(store: &S, id: OrderId, kept_from: Timestamp) -> Look {
    let record = match read(store, &Key::Ended(id), id).await {
        Ok(Some(record)) => record,
        Ok(None) => return Look::Removed,
        Err(error) => return failed(&error),
    };
    let Some(ended_at) = record.ended_at() else {
        return Look::Failed("it is kept among the ended orders and has not ended".to_owned());
    };
    if ended_at >= kept_from {
        return Look::Kept(ended_at);
    }
    let removal = async {
        // The key first: a record that is still there brings back who dies in between.
        if let Some(idempotency) = record.idempotency {
            forget(store, idempotency.key, id).await?;
        }
        store.delete(&Key::Ended(id)).await
    };
    match removal.await {
        Ok(()) => Look::Removed,
        Err(error) => failed(&UpdateError::Store(error)),
    }
}

fn failed(error: &UpdateError<Infallible>) -> Look {
    Look::Failed(error.to_string())
}

impl Expired {
    fn note(&mut self, id: OrderId, look: Look, kept_ms: u64) {
        match look {
            Look::Removed => self.removed += 1,
            Look::Kept(ended_at) => {
                let at = ended_at.plus_ms(kept_ms);
                self.left.first_at = Some(self.left.first_at.map_or(at, |first| first.min(at)));
            }
            Look::Failed(error) => self.failed.push((id, error)),
        }
    }
}
