//! A store in memory: a real one, for tests and for the model checker.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::{Key, KeyPage, Snapshot, Store, StoreError, Swap};

/// How many keys a page has: few, so that small tests turn pages too.
const KEYS_PER_PAGE: usize = 3;

/// Keeps every promise of [`Store`] except durability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore {
    values: RefCell<BTreeMap<Key, Vec<u8>>>,
}

impl MemoryStore {
    /// Every key that has a value.
    pub fn keys(&self) -> Vec<Key> {
        self.values.borrow().keys().copied().collect()
    }

    /// The keys as text, in order.
    fn sorted(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.keys().iter().map(ToString::to_string).collect();
        keys.sort_unstable();
        keys
    }
}

/// A value of a [`MemoryStore`] as it was read.
#[derive(Clone, Debug)]
pub struct MemorySnapshot {
    key: Key,
    value: Option<Vec<u8>>,
}

impl Snapshot for MemorySnapshot {
    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}

impl Store for MemoryStore {
    type Snapshot = MemorySnapshot;

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.values.borrow().get(key).cloned())
    }

    async fn set(&self, key: &Key, value: &[u8]) -> Result<(), StoreError> {
        self.values.borrow_mut().insert(*key, value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    async fn snapshot(&self, key: &Key) -> Result<MemorySnapshot, StoreError> {
        Ok(MemorySnapshot {
            key: *key,
            value: self.values.borrow().get(key).cloned(),
        })
    }

    async fn swap(&self, snapshot: MemorySnapshot, value: &[u8]) -> Result<Swap, StoreError> {
        let mut values = self.values.borrow_mut();
        if values.get(&snapshot.key) != snapshot.value.as_ref() {
            return Ok(Swap::Refused);
        }
        values.insert(snapshot.key, value.to_vec());
        Ok(Swap::Applied)
    }

    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError> {
        let mut values = self.values.borrow_mut();
        let number = values
            .entry(*key)
            .or_insert_with(|| 0_i64.to_le_bytes().to_vec());
        let bytes = number
            .as_slice()
            .try_into()
            .map_err(|_| StoreError(format!("`{key}` holds no number")))?;
        let sum = i64::from_le_bytes(bytes) + delta;
        *number = sum.to_le_bytes().to_vec();
        Ok(sum)
    }

    async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), StoreError> {
        for key in self.sorted() {
            visit(&key);
        }
        Ok(())
    }

    async fn keys_after(&self, after: &str) -> Result<Option<KeyPage>, StoreError> {
        let mut keys = self.sorted();
        keys.retain(|key| key.as_str() > after);
        Ok(Some(page(keys)))
    }

    async fn keys_before(&self, before: &str) -> Result<Option<KeyPage>, StoreError> {
        let mut keys = self.sorted();
        keys.retain(|key| key.as_str() < before);
        keys.reverse();
        Ok(Some(page(keys)))
    }
}

/// The first of these.
fn page(mut keys: Vec<String>) -> KeyPage {
    let is_last = keys.len() <= KEYS_PER_PAGE;
    keys.truncate(KEYS_PER_PAGE);
    KeyPage { keys, is_last }
}
