//! `spin:key-value@3.0.0`.

use spin_sdk::key_value::{Error, Store};
use spin_sdk::wasip3::wit_bindgen::StreamResult;

pub(crate) use spin_sdk::experimental::wasi::keyvalue;

/// How many keys are asked for at once when they are listed.
const KEYS_PER_READ: usize = 1024;

/// A store without swaps.
pub(crate) struct PlainStore(Store);

impl PlainStore {
    pub(crate) async fn open(label: &str) -> Result<Self, Error> {
        Store::open(label).await.map(Self)
    }

    pub(crate) async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key).await
    }

    pub(crate) async fn set(&self, key: String, value: &[u8]) -> Result<(), Error> {
        self.0.set(key, value).await
    }

    pub(crate) async fn delete(&self, key: String) -> Result<(), Error> {
        self.0.delete(key).await
    }

    pub(crate) async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.0.exists(key).await
    }

    pub(crate) async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), Error> {
        let (mut keys, listed) = self.0.get_keys().await.into_inner();
        loop {
            let (result, batch) = keys.read(Vec::with_capacity(KEYS_PER_READ)).await;
            for key in &batch {
                visit(key);
            }
            if result == StreamResult::Dropped {
                return listed.await;
            }
        }
    }
}
