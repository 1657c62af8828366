//! `key-value` of `fermyon:spin@2.0.0`: what components of WASI 0.2 have for `spin:key-value`.
//!
//! As in `wasi:keyvalue`, no function is `async` in WIT: a guest stands still until it is answered.

use super::bindings::fermyon::spin::key_value::{Error, Host, HostStore};
use super::handles::OpenStore;
use super::{KeyValueView, list};
use wasmtime::component::Resource;

fn failed(error: &kv::Error) -> Error {
    Error::Other(error.to_string())
}

impl Host for KeyValueView<'_> {}

impl HostStore for KeyValueView<'_> {
    async fn open(
        &mut self,
        label: String,
    ) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        let Some(store) = self.granted.get(&label) else {
            return Ok(Err(Error::AccessDenied));
        };
        Ok(self
            .table
            .push(OpenStore(store.clone()))
            .map_err(|_| Error::StoreTableFull))
    }

    async fn get(
        &mut self,
        handle: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let store = self.store(&handle)?;
        let _standing = self.meter.stand();
        Ok(store.get(&key).await.map_err(|error| failed(&error)))
    }

    async fn set(
        &mut self,
        handle: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = self.store(&handle)?;
        let _standing = self.meter.stand();
        Ok(store.set(&key, value).await.map_err(|error| failed(&error)))
    }

    async fn delete(
        &mut self,
        handle: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = self.store(&handle)?;
        let _standing = self.meter.stand();
        Ok(store.delete(&key).await.map_err(|error| failed(&error)))
    }

    async fn exists(
        &mut self,
        handle: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let store = self.store(&handle)?;
        let _standing = self.meter.stand();
        Ok(store.exists(&key).await.map_err(|error| failed(&error)))
    }

    async fn get_keys(
        &mut self,
        handle: Resource<OpenStore>,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        let store = self.store(&handle)?;
        let _standing = self.meter.stand();
        Ok(list(&*store).await.map_err(Error::Other))
    }

    async fn drop(&mut self, handle: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
