//! Labels in this process's memory: for tests, and for hosts that may forget everything.

use super::{Error, Keys, SizeLimits, Store, SwapOutcome};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many keys a batch of a listing holds: few enough that copying them under the lock does
/// not show in anyone else's latency.
const BATCH_KEYS: usize = 1000;

/// A label whose values end with the process. Durable in no sense; in all else a full store.
pub(super) struct Memory {
    limits: SizeLimits,
    values: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Memory {
    pub(super) fn new(limits: SizeLimits) -> Self {
        Self {
            limits,
            values: Arc::default(),
        }
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        lock(&self.values)
    }
}

/// OK to go on after a panic elsewhere: each change of the map is a single call.
fn lock(values: &Mutex<BTreeMap<String, Vec<u8>>>) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
    values.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From `""` on that is all of them, because no key is empty.
fn keys_after(values: &BTreeMap<String, Vec<u8>>, after: &str, limit: usize) -> Vec<String> {
    values
        .range::<str, _>((Bound::Excluded(after), Bound::Unbounded))
        .take(limit)
        .map(|(key, _)| key.clone())
        .collect()
}

#[async_trait]
impl Store for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.limits.check_key(key)?;
        Ok(self.values().get(key).cloned())
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        self.limits.check_pair(key, &value)?;
        self.values().insert(key.to_owned(), value);
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.limits.check_key(key)?;
        self.values().remove(key);
        Ok(())
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.limits.check_key(key)?;
        Ok(self.values().contains_key(key))
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.limits.check_keys(keys)?;
        let values = self.values();
        Ok(keys.iter().map(|key| values.get(key).cloned()).collect())
    }

    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        for (key, value) in &pairs {
            self.limits.check_pair(key, value)?;
        }
        self.values().extend(pairs);
        Ok(())
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), Error> {
        self.limits.check_keys(&keys)?;
        let mut values = self.values();
        for key in &keys {
            values.remove(key);
        }
        Ok(())
    }

    fn keys(&self) -> Keys {
        let values = self.values.clone();
        // Each batch continues after the last key of the one before, so nothing is held between.
        stream::unfold(String::new(), move |after| {
            let batch = keys_after(&lock(&values), &after, BATCH_KEYS);
            let last = batch.last().cloned();
            async move { last.map(|last| (Ok(batch), last)) }
        })
        .boxed()
    }

    async fn keys_after(&self, after: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        Ok(Some(keys_after(&self.values(), after, limit)))
    }

    async fn keys_before(&self, before: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        let values = self.values();
        let keys = values
            .range::<str, _>((Bound::Unbounded, Bound::Excluded(before)))
            .rev()
            .take(limit);
        Ok(Some(keys.map(|(key, _)| key.clone()).collect()))
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.limits.check_key(key)?;
        let mut values = self.values();
        let sum = super::integer::add(key, values.get(key).map(Vec::as_slice), delta)?;
        values.insert(key.to_owned(), super::integer::encode(sum));
        Ok(sum)
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<SwapOutcome, Error> {
        self.limits.check_pair(key, &value)?;
        let mut values = self.values();
        if values.get(key).map(Vec::as_slice) != expected {
            return Ok(SwapOutcome::Changed);
        }
        values.insert(key.to_owned(), value);
        Ok(SwapOutcome::Applied)
    }
}
