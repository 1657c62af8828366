//! `fermyon:spin/key-value@2.0.0`. Its functions are not `async`: each stops the instance, which
//! has but one request.
#![expect(
    clippy::unused_async,
    reason = "under WASI 0.3 the instance's other tasks go on meanwhile"
)]

use super::bindings::fermyon::spin::key_value::{Error, Store};

pub(crate) use super::bindings::wasi::keyvalue;

/// A store without swaps.
pub(crate) struct PlainStore(Store);

impl PlainStore {
    pub(crate) async fn open(label: &str) -> Result<Self, Error> {
        Store::open(label).map(Self)
    }

    pub(crate) async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(&key)
    }

    pub(crate) async fn set(&self, key: String, value: &[u8]) -> Result<(), Error> {
        self.0.set(&key, value)
    }

    pub(crate) async fn delete(&self, key: String) -> Result<(), Error> {
        self.0.delete(&key)
    }

    pub(crate) async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.0.exists(key)
    }

    /// All keys at once: this interface has no stream of them, and `wasi:keyvalue`'s cursor is
    /// refused by Spin's stores.
    pub(crate) async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), Error> {
        for key in self.0.get_keys()? {
            visit(&key);
        }
        Ok(())
    }
}
