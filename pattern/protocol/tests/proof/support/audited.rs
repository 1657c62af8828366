//! A store that looks at each write to a record as it lands, and panics at one that breaks a
//! promise: so each test checks them all, whatever else it is about.
//!
//! It also knows which orders somebody was told of, and how long each has ended, by the true time:
//! so an order that is removed too early is seen, whoever's clock is wrong. And it knows which ends were
//! heard of, so that one is seen that is told wrongly, or taken for told and never was.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use futures::executor::block_on;
use protocol::memory::{MemorySnapshot, MemoryStore};
use protocol::{
    Digest, Idempotency, Key, KeyPage, NotificationOutcome, OrderId, Record, Snapshot, State,
    Store, StoreError, Swap, Timestamp,
};
use serde_json::{Value, json};

use super::sample::RETENTION_MS;
use super::scheduler::Clock;

/// How many keys a page has, unless it is said otherwise: few, so that small tests turn pages too.
const KEYS_PER_PAGE: usize = 3;

/// A [`MemoryStore`] whose records keep their promises.
pub struct AuditedStore {
    inner: MemoryStore,
    clock: Clock,
    /// The keys by their names, in order.
    names: RefCell<BTreeMap<String, Key>>,
    keys_per_page: Cell<usize>,
    audits: Cell<bool>,
    /// The outcome of each order that has ended, also of those that were removed since.
    outcomes: RefCell<BTreeMap<OrderId, Outcome>>,
    /// The orders that somebody was told of.
    told: RefCell<BTreeSet<OrderId>>,
    /// The orders whose end the receiver of notifications has heard of, and how often.
    heard: RefCell<BTreeMap<OrderId, u64>>,
    /// Which order a key stands for: the one that was chosen.
    chosen: RefCell<BTreeMap<Digest, OrderId>>,
}

/// How an order ended, and when that was first seen.
struct Outcome {
    outcome: Value,
    since: Timestamp,
}

impl AuditedStore {
    fn page<'a>(&self, mut rest: impl Iterator<Item = &'a String>) -> KeyPage {
        let some = rest.by_ref().take(self.keys_per_page.get());
        let keys = some.cloned().collect();
        let is_last = rest.next().is_none();
        KeyPage { keys, is_last }
    }

    /// An empty store; `clock` tells the true time.
    pub fn new(clock: Clock) -> Self {
        Self {
            inner: MemoryStore::default(),
            clock,
            names: RefCell::default(),
            keys_per_page: Cell::new(KEYS_PER_PAGE),
            audits: Cell::new(true),
            outcomes: RefCell::default(),
            told: RefCell::default(),
            heard: RefCell::default(),
            chosen: RefCell::default(),
        }
    }

    /// Gives so many keys at a time from now on.
    pub fn page_by(&self, keys: usize) {
        self.keys_per_page.set(keys);
    }

    /// Takes what is written as it comes: for a mutant that keeps other things under the keys.
    pub fn audit_nothing(&self) {
        self.audits.set(false);
    }

    /// The keys that have values.
    pub fn keys_now(&self) -> Vec<Key> {
        self.names.borrow().values().copied().collect()
    }

    /// The record of `id` as it is now, wherever it is.
    pub fn record(&self, id: OrderId) -> Option<Record> {
        [Key::Open(id), Key::Ended(id)]
            .iter()
            .find_map(|key| self.value(key))
            .map(|value| decode(&value))
    }

    /// Whether `key` has a value.
    pub fn has(&self, key: &Key) -> bool {
        self.names.borrow().contains_key(&key.to_string())
    }

    /// Notes that somebody was told that `id` is accepted.
    pub fn tell(&self, id: OrderId) {
        assert!(
            self.has(&Key::Open(id)) || self.outcomes.borrow().contains_key(&id),
            "order `{id}` is told of, and is not there"
        );
        if let Some(record) = self.record(id) {
            assert!(
                !record.candidate,
                "order `{id}` is told of, and is a candidate"
            );
            self.choose(&record);
        }
        self.told.borrow_mut().insert(id);
    }

    /// Notes that the receiver of notifications was told that an order ended as in `record`.
    pub fn hear(&self, record: &Record) {
        let id = record.id;
        let outcomes = self.outcomes.borrow();
        let known = outcomes.get(&id);
        assert_eq!(
            known.map(|known| &known.outcome),
            Some(&outcome(record)),
            "order `{id}` is told as it is recorded to have ended"
        );
        *self.heard.borrow_mut().entry(id).or_default() += 1;
    }

    /// How often the receiver heard of the end of `id`.
    pub fn heard(&self, id: OrderId) -> u64 {
        self.heard.borrow().get(&id).copied().unwrap_or_default()
    }

    /// One key stands for one order, until that one's retention has ended.
    fn choose(&self, record: &Record) {
        let Some(Idempotency { key, .. }) = record.idempotency else {
            return;
        };
        let mut chosen = self.chosen.borrow_mut();
        if let Some(known) = chosen.insert(key, record.id)
            && known != record.id
        {
            assert!(
                self.is_over(known),
                "a key stands for order `{known}`, and for `{}` too",
                record.id
            );
        }
    }

    /// Whether the retention of an order has ended, by the true time.
    fn is_over(&self, id: OrderId) -> bool {
        let outcomes = self.outcomes.borrow();
        let since = outcomes.get(&id).map(|outcome| outcome.since);
        since.is_some_and(|since| since.plus_ms(RETENTION_MS) <= self.clock.now())
    }

    /// Stores what is no record in the place of one, past all audits.
    pub fn damage(&self, key: Key) {
        // OK because a store in memory answers at once.
        block_on(self.inner.set(&key, b"no record")).expect("a store in memory");
    }

    /// Stores a record, past all audits.
    pub fn plant(&self, key: Key, record: &Record) {
        self.name(&key);
        // OK because a store in memory answers at once.
        block_on(self.inner.set(&key, &record.to_json())).expect("a store in memory");
    }

    fn name(&self, key: &Key) {
        self.names.borrow_mut().insert(key.to_string(), *key);
    }

    fn value(&self, key: &Key) -> Option<Vec<u8>> {
        // OK because a store in memory answers at once.
        block_on(self.inner.get(key)).expect("a store in memory")
    }

    fn audit(&self, key: &Key, old: Option<&[u8]>, new: &[u8]) {
        let (Key::Open(id) | Key::Ended(id)) = key else {
            return;
        };
        let new = decode(new);
        assert_eq!(new.id, *id, "a record is stored under its own id");
        match (key, old.map(decode)) {
            (_, Some(old)) => audit_change(&old, &new),
            (Key::Open(_), None) => {
                assert_eq!(new.revision, 1, "order `{id}` begins at its first revision");
            }
            (_, None) => panic!("order `{id}` ended before it began"),
        }
        self.note(&new);
    }

    /// What was moved is what had ended, however late it is.
    fn audit_move(&self, new: &[u8]) {
        let new = decode(new);
        let id = new.id;
        assert!(new.status().is_terminal(), "order `{id}` is moved and open");
        assert!(
            !new.candidate,
            "order `{id}` is moved and was never accepted"
        );
        assert!(
            self.outcomes.borrow().contains_key(&id),
            "order `{id}` is moved and has not ended"
        );
        assert!(new.is_over(), "order `{id}` is moved and yet to be told");
        self.note(&new);
    }

    fn note(&self, new: &Record) {
        if !new.candidate {
            self.choose(new);
        }
        if new.status().is_terminal() {
            let (id, outcome) = (new.id, outcome(new));
            let mut outcomes = self.outcomes.borrow_mut();
            let known = outcomes.entry(id).or_insert_with(|| Outcome {
                outcome: outcome.clone(),
                since: self.clock.now(),
            });
            assert_eq!(known.outcome, outcome, "order `{id}` has one outcome");
        }
        let settled = new.notification.as_ref().and_then(|it| it.settled);
        if settled.is_some_and(|settled| settled.outcome != NotificationOutcome::GivenUp) {
            assert!(
                self.heard(new.id) > 0,
                "order `{}` counts as told and nobody heard",
                new.id
            );
        }
    }

    fn audit_removal(&self, key: &Key) {
        match key {
            _ if !self.audits.get() => {}
            Key::Open(id) if self.has(key) && self.told.borrow().contains(id) => {
                assert!(
                    self.outcomes.borrow().contains_key(id),
                    "order `{id}` was told of and is removed while it is open"
                );
            }
            Key::Ended(id) if self.has(key) => {
                assert!(
                    self.is_over(*id),
                    "order `{id}` is removed before its retention has ended"
                );
            }
            _ => {}
        }
    }
}

/// Whether one write may turn `old` into `new`.
fn audit_change(old: &Record, new: &Record) {
    let id = old.id;
    assert_eq!(
        new.revision,
        old.revision + 1,
        "order `{id}` skips no revision"
    );
    assert_ne!(
        new.write, old.write,
        "each write to order `{id}` has a name of its own"
    );
    assert!(
        new.updated_at >= old.updated_at,
        "the time of order `{id}` goes back"
    );
    // One more where the last was lost in company.
    assert!(
        new.attempt <= new.max_attempts + 1,
        "order `{id}` has too many attempts"
    );
    assert_eq!(
        new.order.as_json(),
        old.order.as_json(),
        "order `{id}` is kept as sent"
    );
    if let (Some(old), Some(new)) = (&old.notification, &new.notification) {
        assert!(
            new.deliveries >= old.deliveries && (old.settled.is_none() || old == new),
            "what was told of order `{id}` is told"
        );
    }
    assert_eq!(
        old.notification.is_some(),
        new.notification.is_some(),
        "whether order `{id}` is to be told of is decided when it is submitted"
    );
    if old.status().is_terminal() {
        assert_eq!(
            outcome(old),
            outcome(new),
            "order `{id}` has ended, and changes"
        );
    }
    // Tests let each processor report its own token, so that what is recorded says whose it is.
    if let (State::Processing { claim, .. }, State::Completed { result, .. }) =
        (&old.state, &new.state)
    {
        let by = result.as_ref().map(|result| result.get().trim_matches('"'));
        assert_eq!(
            by.map(str::to_owned),
            Some(claim.token.to_string()),
            "order `{id}` is settled by its holder"
        );
    }
    assert!(
        !matches!(
            (&old.state, &new.state),
            (State::Pending { .. }, State::Completed { .. })
        ),
        "order `{id}` is completed by somebody who does not hold it"
    );
}

/// How the order ended, without the note of a late outcome.
fn outcome(record: &Record) -> Value {
    let mut attempts = record.attempts.clone();
    for attempt in &mut attempts {
        attempt.late_outcome_at = None;
    }
    json!({ "state": record.state, "attempts": attempts, "attempt": record.attempt })
}

fn decode(value: &[u8]) -> Record {
    Record::from_json(value).expect("what is stored for an order is a record")
}

/// A value as it was read, and whose it is.
#[derive(Clone)]
pub struct AuditedSnapshot {
    key: Key,
    inner: MemorySnapshot,
}

impl Snapshot for AuditedSnapshot {
    fn value(&self) -> Option<&[u8]> {
        self.inner.value()
    }
}

impl Store for AuditedStore {
    type Snapshot = AuditedSnapshot;

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }

    async fn set(&self, key: &Key, value: &[u8]) -> Result<(), StoreError> {
        let old = self.value(key);
        // A plain write may create a record, repeat its creation, or move what has ended.
        match key {
            _ if !self.audits.get() => {}
            Key::Ended(_) => self.audit_move(value),
            Key::Open(_) if old.as_deref() == Some(value) => {}
            _ => self.audit(key, old.as_deref(), value),
        }
        self.name(key);
        self.inner.set(key, value).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.audit_removal(key);
        self.names.borrow_mut().remove(&key.to_string());
        self.inner.delete(key).await
    }

    async fn snapshot(&self, key: &Key) -> Result<AuditedSnapshot, StoreError> {
        let inner = self.inner.snapshot(key).await?;
        Ok(AuditedSnapshot { key: *key, inner })
    }

    async fn swap(&self, snapshot: AuditedSnapshot, value: &[u8]) -> Result<Swap, StoreError> {
        let AuditedSnapshot { key, inner } = snapshot;
        let old = inner.value().map(<[u8]>::to_vec);
        let answer = self.inner.swap(inner, value).await?;
        if answer == Swap::Applied {
            self.audit(&key, old.as_deref(), value);
            self.name(&key);
        }
        Ok(answer)
    }

    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError> {
        self.name(key);
        self.inner.increment(key, delta).await
    }

    async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), StoreError> {
        let names: Vec<_> = self.names.borrow().keys().cloned().collect();
        for name in &names {
            visit(name);
        }
        Ok(())
    }

    async fn keys_after(&self, after: &str) -> Result<Option<KeyPage>, StoreError> {
        let names = self.names.borrow();
        let rest = names.range::<str, _>((Excluded(after), Unbounded));
        Ok(Some(self.page(rest.map(|(name, _)| name))))
    }

    async fn keys_before(&self, before: &str) -> Result<Option<KeyPage>, StoreError> {
        let names = self.names.borrow();
        let rest = names.range::<str, _>((Unbounded, Excluded(before))).rev();
        Ok(Some(self.page(rest.map(|(name, _)| name))))
    }
}
