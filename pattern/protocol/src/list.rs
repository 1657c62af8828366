//! List: orders, newest first.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use crate::id::OwnerTag;
use crate::keys::{Listing, ids_in_any_order};
use crate::update::{UpdateError, decode, find};
use crate::{Key, OrderId, Record, Status, Store, StoreError};

/// How many records are read at once: enough to hide a store's latency, few enough to have in memory.
const READ_AT_ONCE: usize = 16;
/// How many records one page looks at, at most, to find those that are asked for.
const RECORDS_MAX: usize = 1_000;
/// How many keys one page goes through, about and at most, on a store that lists in order.
const KEYS_MAX: usize = 20_000;

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

/// A page of orders, newest first.
///
/// Goes back through the ids, which are in the order of their time, so that a page costs a page: keys
/// and records of about its size without a status, of a thousand orders at most with one. Of other
/// owners' orders it reads keys and no records. A store that cannot list in order lists all its keys,
/// of which as many are kept.
///
/// # Errors
/// If the store failed.
pub async fn list<S: Store>(store: &S, query: ListQuery) -> Result<Page, StoreError> {
    let mut page = Page {
        records: Vec::new(),
        next: None,
    };
    let mut walk = Walk::new(&query);
    let mut looked_at = 0;
    loop {
        let some = walk.some(store).await?;
        if some.is_empty() {
            page.next = walk.rest;
            return Ok(page);
        }
        let keys: Vec<_> = some.iter().map(|(id, place)| place(*id)).collect();
        for ((id, _), value) in some.into_iter().zip(store.get_many(&keys).await?) {
            if page.records.len() == query.limit || looked_at == RECORDS_MAX {
                return Ok(page);
            }
            page.next = Some(id);
            looked_at += 1;
            match look(store, id, value).await {
                Ok(Some(record)) if is_meant(&record, &query) => page.records.push(record),
                // Gone meanwhile, damaged, or not meant.
                Ok(_) | Err(UpdateError::Damaged { .. } | UpdateError::NotFound(_)) => {}
                Err(UpdateError::Store(error)) => return Err(error),
                Err(UpdateError::Refused(never)) => match never {},
            }
        }
    }
}

/// The record, of which `value` was read where its key was listed.
async fn look<S: Store>(
    store: &S,
    id: OrderId,
    value: Option<Vec<u8>>,
) -> Result<Option<Record>, UpdateError<Infallible>> {
    match value {
        Some(value) => decode(id, &value).map(Some),
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

/// The way back through the ids of one owner.
struct Walk {
    /// What is gone back through, for each of the places where the ids can be.
    trails: Vec<Trail>,
    tag: OwnerTag,
    before: Option<OrderId>,
    keys_passed: usize,
    /// The id that was passed last.
    passed: Option<OrderId>,
    /// Where to go on another time, if the walk ends before the end.
    rest: Option<OrderId>,
}

/// The ids that have a key of one kind.
struct Trail {
    prefix: &'static str,
    place: Place,
    /// Ids that were read, newest first, and not yet passed.
    ids: VecDeque<OrderId>,
    /// The key before which to read on, if there is anything.
    before: Option<String>,
}

impl Walk {
    fn new(query: &ListQuery) -> Self {
        let trail = |prefix, place| Trail {
            prefix,
            place,
            ids: VecDeque::new(),
            before: Some(key_before(prefix, query.before)),
        };
        let mut trails = vec![trail(Key::OPEN_PREFIX, Key::Open)];
        // An order that has ended is among the open ones until it is moved.
        if query.status.is_none_or(Status::is_terminal) {
            trails.push(trail(Key::ENDED_PREFIX, Key::Ended));
        }
        Self {
            trails,
            tag: OwnerTag::of(query.owner.as_deref()),
            before: query.before,
            keys_passed: 0,
            passed: None,
            rest: None,
        }
    }

    /// The owner's next ids, and where each is; none at the end, or when enough keys have been passed.
    async fn some<S: Store>(&mut self, store: &S) -> Result<Vec<(OrderId, Place)>, StoreError> {
        let mut some = Vec::new();
        while some.len() < READ_AT_ONCE
            && let Some((id, place)) = self.next(store).await?
        {
            if id.owner_tag() == self.tag {
                some.push((id, place));
            }
        }
        Ok(some)
    }

    /// The next id of anybody's.
    async fn next<S: Store>(&mut self, store: &S) -> Result<Option<(OrderId, Place)>, StoreError> {
        for number in 0..self.trails.len() {
            let reads = self.trails[number].is_to_read();
            if self.trails[number].read(store).await? == Listing::Unordered {
                self.read_everything(store).await?;
                break;
            }
            // An order is set where it goes before it is deleted where it was. So that none is missed that
            // is moved meanwhile, its second place is read after its first.
            if reads {
                for second in &mut self.trails[number + 1..] {
                    second.ids.clear();
                    second.before = Some(key_before(second.prefix, self.passed.or(self.before)));
                }
            }
        }
        let heads = self.trails.iter().filter_map(|trail| trail.ids.front());
        let Some(id) = heads.max().copied() else {
            return Ok(None);
        };
        // What a cursor names is a time, so that it tells nothing of others' orders: all of that time are
        // passed.
        if self.keys_passed >= KEYS_MAX
            && let Some(passed_at) = self.passed.map(OrderId::created_at)
            && passed_at > id.created_at()
        {
            self.rest = Some(OrderId::first_at(passed_at));
            return Ok(None);
        }
        self.keys_passed += 1;
        self.passed = Some(id);
        let mut place = None;
        for trail in &mut self.trails {
            // While it is moved, an order is in two places.
            if trail.ids.pop_front_if(|next| *next == id).is_some() {
                place = place.or(Some(trail.place));
            }
        }
        Ok(place.map(|place| (id, place)))
    }

    /// Of a store that lists in no order, the newest of all, as many as one page looks at.
    async fn read_everything<S: Store>(&mut self, store: &S) -> Result<(), StoreError> {
        let (tag, before) = (self.tag, self.before);
        let places: Vec<_> = self
            .trails
            .iter()
            .enumerate()
            .map(|(number, trail)| (trail.prefix, number))
            .collect();
        let mut newest = BTreeMap::new();
        let mut has_more = false;
        ids_in_any_order(store, &places, |id, number| {
            if id.owner_tag() != tag || before.is_some_and(|before| before <= id) {
                return;
            }
            newest.entry(id).or_insert(*number);
            if newest.len() > RECORDS_MAX {
                has_more |= newest.pop_first().is_some();
            }
        })
        .await?;
        self.rest = newest
            .first_key_value()
            .filter(|_| has_more)
            .map(|(id, _)| *id);
        for trail in &mut self.trails {
            trail.before = None;
        }
        for (id, number) in newest.into_iter().rev() {
            self.trails[number].ids.push_back(id);
        }
        Ok(())
    }
}

/// What sorts behind the keys of the ids before `id`, or of all.
fn key_before(prefix: &str, id: Option<OrderId>) -> String {
    match id {
        Some(id) => format!("{prefix}{id}"),
        // Behind all that an id is written with.
        None => format!("{prefix}~"),
    }
}

impl Trail {
    fn is_to_read(&self) -> bool {
        self.ids.is_empty() && self.before.is_some()
    }

    /// Reads on, if all that was read is passed.
    async fn read<S: Store>(&mut self, store: &S) -> Result<Listing, StoreError> {
        while self.ids.is_empty()
            && let Some(before) = self.before.take()
        {
            let Some(page) = store.keys_before(&before).await? else {
                return Ok(Listing::Unordered);
            };
            for key in &page.keys {
                let Some(id) = key.strip_prefix(self.prefix) else {
                    return Ok(Listing::Ordered);
                };
                // What is no id is not of this service.
                self.ids.extend(id.parse::<OrderId>());
            }
            self.before = page.keys.last().filter(|_| !page.is_last).cloned();
        }
        Ok(Listing::Ordered)
    }
}
