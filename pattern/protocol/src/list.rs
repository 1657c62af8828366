//! List: orders, newest first.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::ControlFlow;

use futures::{StreamExt, stream};

use crate::id::OwnerTag;
use crate::keys::{Listing, ids_in_any_order, ids_in_order};
use crate::update::{UpdateError, find, read};
use crate::{Key, OrderId, Record, Status, Store, StoreError, Timestamp};

/// How many records are read at once: enough to hide a store's latency.
const CONCURRENCY: usize = 16;
/// How many records one page looks at, at most, to find those that are asked for.
const RECORDS_MAX: usize = 1_000;
/// How many keys one page goes through, at most, on a store that lists in order.
const KEYS_MAX: usize = 20_000;
/// How many keys a window of time is to have: enough for a page, few enough to be forgotten.
const WINDOW_KEYS: usize = 500;
/// How many keys a window may have before a shorter one is tried.
const WINDOW_KEYS_MAX: usize = 4_000;
/// How long the first window is, in milliseconds.
const WINDOW_MS: u64 = 1_000;

/// Which orders to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Whose.
    pub owner: Option<String>,
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those whose id sorts before this one.
    pub before: Option<OrderId>,
    /// How many at most.
    pub limit: usize,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, newest first. Fewer than asked for if few of those looked at were meant.
    pub records: Vec<Record>,
    /// Where the next page begins: its [`ListQuery::before`]. `None` at the end.
    pub next: Option<OrderId>,
}

/// A page of orders, newest first. `now` is the time.
///
/// Goes back through windows of time, which are in the ids, so that a page costs a page: keys
/// and records of about its size without a status, of a thousand orders at most with one. Of other
/// owners' orders it reads keys and no records. A store that cannot list in order lists all its keys,
/// of which as many are kept.
///
/// # Errors
/// If the store failed.
pub async fn list<S: Store>(
    store: &S,
    query: ListQuery,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let mut page = Page {
        records: Vec::new(),
        next: None,
    };
    let mut walk = Walk::new(&query, now);
    let mut looked_at = 0;
    while let Some(window) = walk.next(store).await? {
        let mut records = stream::iter(window.into_iter().rev())
            .map(|(id, place)| async move { (id, look(store, id, place).await) })
            .buffered(CONCURRENCY);
        while let Some((id, record)) = records.next().await {
            if page.records.len() == query.limit || looked_at == RECORDS_MAX {
                return Ok(page);
            }
            page.next = Some(id);
            looked_at += 1;
            match record {
                Ok(Some(record)) if is_meant(&record, &query) => {
                    page.records.push(record);
                }
                // Gone meanwhile, damaged, or not meant.
                Ok(_) | Err(UpdateError::Damaged { .. } | UpdateError::NotFound(_)) => {}
                Err(UpdateError::Store(error)) => return Err(error),
                Err(UpdateError::Refused(never)) => match never {},
            }
        }
        page.next = walk.before;
    }
    Ok(page)
}

/// The record, looked for first where its key was listed.
async fn look<S: Store>(
    store: &S,
    id: OrderId,
    place: Place,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    match read(store, &place(id), id).await? {
        Some(record) => Ok(Some(record)),
        // It may have been moved meanwhile.
        None => find(store, id).await,
    }
}

fn is_meant(record: &Record, query: &ListQuery) -> bool {
    record.owner == query.owner
        && query.status.is_none_or(|status| status == record.status())
        // Nobody has been told of a candidate.
        && !record.candidate
}

/// The key of an order in one of the two places where its record can be.
type Place = fn(OrderId) -> Key;

/// The way back through the ids, window by window.
struct Walk {
    /// Where the ids that are asked for can be.
    places: Vec<(&'static str, Place)>,
    tag: OwnerTag,
    /// All ids from this one on have been gone through; `None` at the end, and before the beginning.
    before: Option<OrderId>,
    /// When the window ends, and how long it is.
    end_ms: u64,
    width_ms: u64,
    keys_read: usize,
    is_over: bool,
}

impl Walk {
    fn new(query: &ListQuery, now: Timestamp) -> Self {
        let open: (_, Place) = (Key::OPEN_PREFIX, Key::Open);
        let ended: (_, Place) = (Key::ENDED_PREFIX, Key::Ended);
        Self {
            places: match query.status.map(Status::is_terminal) {
                // An order that has ended is among the open ones until it is moved.
                None | Some(true) => vec![open, ended],
                Some(false) => vec![open],
            },
            tag: OwnerTag::of(query.owner.as_deref()),
            before: query.before,
            end_ms: query.before.map_or(now, OrderId::created_at).as_unix_ms(),
            width_ms: WINDOW_MS,
            keys_read: 0,
            is_over: false,
        }
    }

    /// The owner's ids in the next window, and where each is; `None` at the end, or when enough keys
    /// have been read.
    async fn next<S: Store>(
        &mut self,
        store: &S,
    ) -> Result<Option<BTreeMap<OrderId, Place>>, StoreError> {
        while !self.is_over && self.keys_read < KEYS_MAX {
            let start_ms = self.end_ms.saturating_sub(self.width_ms);
            let start =
                (start_ms > 0).then(|| OrderId::first_at(Timestamp::from_unix_ms(start_ms)));
            let Some(window) = self.window(store, start).await? else {
                return self.everything(store).await.map(Some);
            };
            self.keys_read += window.keys;
            if window.keys > WINDOW_KEYS_MAX && self.width_ms > 1 {
                self.width_ms = (self.width_ms / 4).max(1);
                continue;
            }
            self.before = start;
            self.end_ms = start_ms;
            self.is_over = start.is_none();
            self.width_ms = next_width(self.width_ms, window.keys);
            return Ok(Some(window.found));
        }
        Ok(None)
    }

    /// What is in the window from `start`; `None` where the store cannot list in order.
    async fn window<S: Store>(
        &self,
        store: &S,
        start: Option<OrderId>,
    ) -> Result<Option<Window>, StoreError> {
        let mut window = Window::default();
        for (prefix, place) in &self.places {
            let listing = ids_in_order(store, prefix, start..self.before, |id| {
                window.keys += 1;
                if id.owner_tag() == self.tag {
                    window.found.entry(id).or_insert(*place);
                }
                if window.keys > WINDOW_KEYS_MAX && self.width_ms > 1 {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .await?;
            if listing == Listing::Unordered {
                return Ok(None);
            }
        }
        Ok(Some(window))
    }

    /// The newest of all, as many as one page looks at.
    async fn everything<S: Store>(
        &mut self,
        store: &S,
    ) -> Result<BTreeMap<OrderId, Place>, StoreError> {
        let (tag, before) = (self.tag, self.before);
        let mut newest = BTreeMap::new();
        let mut dropped = None;
        ids_in_any_order(store, &self.places, |id, place| {
            if id.owner_tag() != tag || before.is_some_and(|before| before <= id) {
                return;
            }
            newest.entry(id).or_insert(*place);
            if newest.len() > RECORDS_MAX {
                dropped = newest.pop_first().map(|(id, _)| id).max(dropped);
            }
        })
        .await?;
        self.before = dropped.and_then(|_| newest.first_key_value().map(|(id, _)| *id));
        self.is_over = true;
        Ok(newest)
    }
}

/// What was found in a window.
#[derive(Default)]
struct Window {
    found: BTreeMap<OrderId, Place>,
    /// How many keys there are, of all owners.
    keys: usize,
}

/// How long the next window is to be, after one of `width_ms` had so many `keys`.
fn next_width(width_ms: u64, keys: usize) -> u64 {
    let keys = keys.max(WINDOW_KEYS / 16) as u64;
    width_ms
        .saturating_mul(WINDOW_KEYS as u64)
        .div_ceil(keys)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_where_little_is_and_shrink_where_much_is() {
        assert_eq!(next_width(1_000, 0), 16_130);
        assert_eq!(next_width(1_000, WINDOW_KEYS), 1_000);
        assert_eq!(next_width(1_000, 4 * WINDOW_KEYS), 250);
        assert_eq!(next_width(1, 1_000_000), 1);
        assert!(next_width(u64::MAX, 0) > 1_000_000);
    }
}
