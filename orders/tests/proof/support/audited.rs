//! A store that looks at each write to a record as it lands, and panics at one that breaks a
//! promise: so each test checks them all, whatever else it is about.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures::executor::block_on;
use orders::memory::{MemorySnapshot, MemoryStore};
use orders::{Key, OrderId, Record, Snapshot, State, Store, StoreError, Swap};
use serde_json::{Value, json};

/// A [`MemoryStore`] whose records keep their promises.
#[derive(Default)]
pub struct AuditedStore {
    inner: MemoryStore,
    /// The outcome of each order that has ended, also of those that were removed since.
    outcomes: RefCell<BTreeMap<OrderId, Value>>,
}

impl AuditedStore {
    /// The keys that have values.
    pub fn keys_now(&self) -> Vec<Key> {
        self.inner.keys()
    }

    /// The record of `id` as it is now.
    pub fn record(&self, id: OrderId) -> Option<Record> {
        self.value(&Key::Record(id)).map(|value| decode(&value))
    }

    /// Whether `key` has a value.
    pub fn has(&self, key: &Key) -> bool {
        self.inner.keys().contains(key)
    }

    /// Stores what is no record in the place of one, past all audits.
    pub fn damage(&self, id: OrderId) {
        let key = Key::Record(id);
        // OK because a store in memory answers at once.
        block_on(self.inner.set(&key, b"no record")).expect("a store in memory");
    }

    fn value(&self, key: &Key) -> Option<Vec<u8>> {
        // OK because a store in memory answers at once.
        block_on(self.inner.get(key)).expect("a store in memory")
    }

    fn audit(&self, key: &Key, old: Option<&[u8]>, new: &[u8]) {
        let Key::Record(id) = key else { return };
        let new = decode(new);
        assert_eq!(new.id, *id, "a record is stored under its own id");
        match old.map(decode) {
            Some(old) => audit_change(&old, &new),
            None => assert_eq!(new.revision, 1, "order `{id}` begins at its first revision"),
        }
        if new.status().is_terminal() {
            let outcome = outcome(&new);
            let mut outcomes = self.outcomes.borrow_mut();
            let known = outcomes.entry(*id).or_insert_with(|| outcome.clone());
            assert_eq!(*known, outcome, "order `{id}` has one outcome");
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
    assert!(
        new.attempt <= new.max_attempts,
        "order `{id}` has too many attempts"
    );
    assert_eq!(
        new.order.as_json(),
        old.order.as_json(),
        "order `{id}` is kept as sent"
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
        // A plain write may only create a record, or repeat its creation.
        if !matches!(key, Key::Record(_)) || old.as_deref() != Some(value) {
            self.audit(key, old.as_deref(), value);
        }
        self.inner.set(key, value).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
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
        }
        Ok(answer)
    }

    async fn increment(&self, key: &Key) -> Result<i64, StoreError> {
        self.inner.increment(key).await
    }

    async fn keys(&self, visit: impl FnMut(&str)) -> Result<(), StoreError> {
        Store::keys(&self.inner, visit).await
    }
}
