//! A store in memory: a real one, for tests and for the model checker.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::{Key, Snapshot, Store, StoreError, Swap};

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

    async fn increment(&self, key: &Key) -> Result<i64, StoreError> {
        let mut values = self.values.borrow_mut();
        let number = values
            .entry(*key)
            .or_insert_with(|| 0_i64.to_le_bytes().to_vec());
        let bytes = number
            .as_slice()
            .try_into()
            .map_err(|_| StoreError(format!("`{key}` holds no number")))?;
        let sum = i64::from_le_bytes(bytes) + 1;
        *number = sum.to_le_bytes().to_vec();
        Ok(sum)
    }

    async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), StoreError> {
        let keys: Vec<_> = self
            .values
            .borrow()
            .keys()
            .map(ToString::to_string)
            .collect();
        for key in &keys {
            visit(key);
        }
        Ok(())
    }
}
