//! `wasi:keyvalue@0.2.0-draft2`: store, batch and atomics.
//!
//! Its functions are not `async` in WIT: a guest that calls one stands still, with every other
//! task of its instance, until the store answers. [`Meter::stand`](crate::meter::Meter::stand) tells the pool meanwhile to hand new
//! requests to other instances.

use super::bindings::wasi::keyvalue::atomics::{self, CasError};
use super::bindings::wasi::keyvalue::batch;
use super::bindings::wasi::keyvalue::store::{self, Error, KeyResponse};
use super::handles::{Cas, OpenStore};
use super::{KeyValueView, list};
use kv::SwapOutcome;
use wasmtime::component::Resource;

/// How many keys a page of `list-keys` with a cursor holds at most.
const PAGE_KEYS: usize = 256;

fn failed(error: &kv::Error) -> Error {
    Error::Other(error.to_string())
}

impl store::Host for KeyValueView<'_> {
    async fn open(
        &mut self,
        identifier: String,
    ) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        let Some(store) = self.granted.get(&identifier) else {
            return Ok(Err(Error::AccessDenied));
        };
        Ok(self
            .table
            .push(OpenStore(store.clone()))
            .map_err(|full| Error::Other(full.to_string())))
    }
}

impl store::HostBucket for KeyValueView<'_> {
    async fn get(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store.get(&key).await.map_err(|error| failed(&error)))
    }

    async fn set(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store.set(&key, value).await.map_err(|error| failed(&error)))
    }

    async fn delete(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store.delete(&key).await.map_err(|error| failed(&error)))
    }

    async fn exists(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store.exists(&key).await.map_err(|error| failed(&error)))
    }

    /// Without a cursor all keys at once, as in Spin. With one of `>` and any text, the keys after it in
    /// the order of their bytes, page by page; with one of `<`, those before it, the last one first. Spin,
    /// and a store that keeps no order, refuse both.
    async fn list_keys(
        &mut self,
        bucket: Resource<OpenStore>,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<KeyResponse, Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        let Some(cursor) = cursor else {
            return Ok(list(&*store)
                .await
                .map(|keys| KeyResponse { keys, cursor: None })
                .map_err(Error::Other));
        };
        let (direction, listed) = if let Some(after) = cursor.strip_prefix('>') {
            ('>', store.keys_after(after, PAGE_KEYS).await)
        } else if let Some(before) = cursor.strip_prefix('<') {
            ('<', store.keys_before(before, PAGE_KEYS).await)
        } else {
            return Ok(Err(Error::Other(format!(
                "expected a cursor of `>` or `<` and a key, found `{cursor}`"
            ))));
        };
        Ok(match listed {
            Ok(Some(keys)) => Ok(page(direction, keys)),
            Ok(None) => Err(Error::Other(
                "list-keys takes no cursor, as this store keeps no order".to_owned(),
            )),
            Err(error) => Err(failed(&error)),
        })
    }

    async fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

/// A page of keys; a full one may not be the last.
fn page(direction: char, keys: Vec<String>) -> KeyResponse {
    let last = keys.last().filter(|_| keys.len() == PAGE_KEYS);
    let cursor = last.map(|last| format!("{direction}{last}"));
    KeyResponse { keys, cursor }
}

impl batch::Host for KeyValueView<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<OpenStore>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<(String, Option<Vec<u8>>)>, Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(match store.get_many(&keys).await {
            Ok(values) => Ok(keys.into_iter().zip(values).collect()),
            Err(error) => Err(failed(&error)),
        })
    }

    async fn set_many(
        &mut self,
        bucket: Resource<OpenStore>,
        pairs: Vec<(String, Vec<u8>)>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store.set_many(pairs).await.map_err(|error| failed(&error)))
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<OpenStore>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store
            .delete_many(keys)
            .await
            .map_err(|error| failed(&error)))
    }
}

impl atomics::Host for KeyValueView<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(store
            .increment(&key, delta)
            .await
            .map_err(|error| failed(&error)))
    }

    /// Writes `value` if the key still holds what the guest last saw, and that alone: where it
    /// saw nothing, the key is created or the swap fails. A mismatch returns a fresh handle that
    /// has seen what is there now.
    async fn swap(
        &mut self,
        handle: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        let Cas {
            store, key, seen, ..
        } = self.table.delete(handle)?;
        let _standing = self.meter.stand();
        match store.compare_and_swap(&key, seen.as_deref(), value).await {
            Ok(SwapOutcome::Applied) => Ok(Ok(())),
            Ok(SwapOutcome::Changed) => match Cas::capture(store, key).await {
                Ok(fresh) => Ok(Err(CasError::CasFailed(self.table.push(fresh)?))),
                Err(error) => Ok(Err(CasError::StoreError(failed(&error)))),
            },
            Err(error) => Ok(Err(CasError::StoreError(failed(&error)))),
        }
    }
}

impl atomics::HostCas for KeyValueView<'_> {
    async fn new(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Resource<Cas>, Error>> {
        let store = self.store(&bucket)?;
        let _standing = self.meter.stand();
        Ok(match Cas::capture(store, key).await {
            Ok(cas) => Ok(self.table.push(cas)?),
            Err(error) => Err(failed(&error)),
        })
    }

    async fn current(
        &mut self,
        handle: Resource<Cas>,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let _standing = self.meter.stand();
        let cas = self.table.get_mut(&handle)?;
        Ok(cas.current().await.map_err(|error| failed(&error)))
    }

    async fn drop(&mut self, handle: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_value::Granted;
    use crate::meter::Meter;
    use kv::{Backend, SizeLimits, Store, Stores};
    use std::sync::Arc;
    use store::HostBucket as _;
    use wasmtime::component::ResourceTable;

    async fn memory() -> Arc<dyn Store> {
        let backends = [("default".to_owned(), Backend::Memory)];
        let stores = Stores::open(backends, SizeLimits::default()).await;
        let store = stores.ok().and_then(|stores| stores.store("default"));
        store.expect("memory is always there")
    }

    #[tokio::test]
    async fn a_cursor_is_the_key_that_was_last_and_goes_with_the_last_page() {
        let store = memory().await;
        let pairs = (0..600).map(|n| (format!("a_{n:04}"), b"1".to_vec()));
        let written = store.set_many(pairs.collect()).await;
        written.expect("memory takes it");
        let granted: Granted = [("default".to_owned(), store)].into();
        let mut key_value = KeyValueView {
            granted: &granted,
            table: &mut ResourceTable::new(),
            meter: &Meter::default(),
        };
        let mut pages = Vec::new();
        let mut cursor = Some(">".to_owned());
        while cursor.is_some() {
            let opened = store::Host::open(&mut key_value, "default".to_owned()).await;
            let bucket = opened.expect("no trap").expect("it is granted");
            let listed = key_value.list_keys(bucket, cursor).await;
            let page = listed.expect("no trap").expect("memory keeps an order");
            pages.push((page.keys.len(), page.cursor.clone()));
            cursor = page.cursor;
        }
        let cursor = |key: &str| Some(key.to_owned());
        let expected = [
            (256, cursor(">a_0255")),
            (256, cursor(">a_0511")),
            (88, None),
        ];
        assert_eq!(pages, expected);
    }

    #[tokio::test]
    async fn the_first_look_shows_what_was_captured_and_the_next_what_is_there() {
        let store = memory().await;
        let capture = Cas::capture(store.clone(), "key".to_owned()).await;
        let mut cas = capture.expect("memory answers");
        let written = store.set("key", b"later".to_vec()).await;
        written.expect("memory takes it");

        let mut look = async || cas.current().await.expect("memory answers");
        assert_eq!(look().await, None);
        assert_eq!(look().await, Some(b"later".to_vec()));
    }
}
