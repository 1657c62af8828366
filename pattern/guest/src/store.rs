//! The storage port on the key-value interfaces of Spin's hosts.

use std::cell::Cell;
use std::collections::HashMap;

use protocol::{Key, KeyPage, Snapshot, Store, StoreError, Swap};

use crate::host::key_value::{PlainStore, keyvalue};

/// The store label that both components are granted in `spin.toml`.
const LABEL: &str = "default";

/// The variable of the environment by which a host that reports no swap done which it did not do says
/// so: `exact`. Spin's stores may, and its hosts say nothing.
const SWAPS: &str = "KEY_VALUE_SWAPS";

/// The app's key-value store.
///
/// Plain reads and writes use Spin's own interface, whose calls under WASI 0.3 let the instance's
/// other tasks go on while they wait; only a swap needs `wasi:keyvalue`, whose calls do not.
pub struct KeyValueStore {
    store: PlainStore,
    bucket: keyvalue::store::Bucket,
    /// Whether the host vouches for its swaps.
    swaps_exactly: bool,
    /// Whether the host has refused to list in order, which it then always does.
    is_unordered: Cell<bool>,
}

impl KeyValueStore {
    /// Opens the store.
    ///
    /// # Errors
    /// If the host does not grant it, or cannot reach it.
    pub async fn open() -> Result<Self, StoreError> {
        Ok(Self {
            store: PlainStore::open(LABEL).await.map_err(failed)?,
            bucket: keyvalue::store::open(LABEL).map_err(failed)?,
            swaps_exactly: std::env::var(SWAPS).is_ok_and(|swaps| swaps == "exact"),
            is_unordered: Cell::new(false),
        })
    }

    /// Whether the store takes writes: writes a key that nobody reads.
    ///
    /// # Errors
    /// If it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.store
            .set("probe".to_owned(), b"probe")
            .await
            .map_err(failed)
    }
}

/// A value as a compare-and-swap handle read it.
pub struct CasSnapshot {
    cas: keyvalue::atomics::Cas,
    value: Option<Vec<u8>>,
}

impl Snapshot for CasSnapshot {
    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}

impl Store for KeyValueStore {
    type Snapshot = CasSnapshot;

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key.to_string()).await.map_err(failed)
    }

    /// One call, however many keys there are, as each costs more than what is done in it. Hosts answer in
    /// any order, and some leave out what is absent.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<_> = keys.iter().map(Key::to_string).collect();
        let found = keyvalue::batch::get_many(&self.bucket, &keys).map_err(failed)?;
        let mut found: HashMap<_, _> = found.into_iter().collect();
        Ok(keys.iter().map(|key| found.remove(key).flatten()).collect())
    }

    async fn set(&self, key: &Key, value: &[u8]) -> Result<(), StoreError> {
        self.store.set(key.to_string(), value).await.map_err(failed)
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.store.delete(key.to_string()).await.map_err(failed)
    }

    async fn snapshot(&self, key: &Key) -> Result<CasSnapshot, StoreError> {
        let cas = keyvalue::atomics::Cas::new(&self.bucket, &key.to_string()).map_err(failed)?;
        let value = cas.current().map_err(failed)?;
        Ok(CasSnapshot { cas, value })
    }

    async fn swap(&self, snapshot: CasSnapshot, value: &[u8]) -> Result<Swap, StoreError> {
        match keyvalue::atomics::swap(snapshot.cas, value) {
            Ok(()) => Ok(Swap::Applied),
            Err(keyvalue::atomics::CasError::CasFailed(_)) => Ok(Swap::Refused),
            Err(keyvalue::atomics::CasError::StoreError(error)) => Err(failed(error)),
        }
    }

    fn swaps_exactly(&self) -> bool {
        self.swaps_exactly
    }

    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError> {
        keyvalue::atomics::increment(&self.bucket, &key.to_string(), delta).map_err(failed)
    }

    async fn keys(&self, visit: impl FnMut(&str)) -> Result<(), StoreError> {
        self.store.keys(visit).await.map_err(failed)
    }

    async fn keys_after(&self, after: &str) -> Result<Option<KeyPage>, StoreError> {
        self.page(&format!(">{after}")).await
    }

    async fn keys_before(&self, before: &str) -> Result<Option<KeyPage>, StoreError> {
        self.page(&format!("<{before}")).await
    }
}

impl KeyValueStore {
    /// `list-keys` takes a cursor where the host lists in order: `>` or `<`, and the key after or before
    /// which to go on. Other hosts refuse it with an error, which is all that tells them apart; so an
    /// error is taken for that only if the store answers otherwise.
    async fn page(&self, cursor: &str) -> Result<Option<KeyPage>, StoreError> {
        if self.is_unordered.get() {
            return Ok(None);
        }
        match self.bucket.list_keys(Some(cursor)) {
            Ok(page) => Ok(Some(KeyPage {
                is_last: page.cursor.is_none(),
                keys: page.keys,
            })),
            Err(error) => {
                self.store.exists(cursor).await.map_err(|_| failed(error))?;
                self.is_unordered.set(true);
                Ok(None)
            }
        }
    }
}

fn failed(error: impl std::fmt::Debug) -> StoreError {
    StoreError(format!("{error:?}"))
}
