//! `spin:key-value@3.0.0`: each function is `async` in WIT, so that while one waits for the store
//! the other tasks of its instance go on.

use super::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use super::handles::OpenStore;
use super::{HasKeyValue, KeyValueView};
use futures::StreamExt as _;
use kv::{Keys, Store};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader, StreamResult,
    VecBuffer,
};

type Accessing<T> = Accessor<T, HasKeyValue>;

fn opened<T>(
    accessor: &Accessing<T>,
    handle: &Resource<OpenStore>,
) -> wasmtime::Result<Arc<dyn Store>> {
    accessor.with(|mut access| access.get().store(handle))
}

fn failed(error: &kv::Error) -> Error {
    Error::Other(error.to_string())
}

impl Host for KeyValueView<'_> {}

impl HostStore for KeyValueView<'_> {
    fn drop(&mut self, handle: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl<T: Send> HostStoreWithStore<T> for HasKeyValue {
    async fn open(
        accessor: &Accessing<T>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        accessor.with(|mut access| {
            let KeyValueView { granted, table, .. } = access.get();
            let Some(store) = granted.get(&label) else {
                return Ok(Err(Error::AccessDenied));
            };
            Ok(table
                .push(OpenStore(store.clone()))
                .map_err(|_| Error::StoreTableFull))
        })
    }

    async fn get(
        accessor: &Accessing<T>,
        handle: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let store = opened(accessor, &handle)?;
        Ok(store.get(&key).await.map_err(|error| failed(&error)))
    }

    async fn set(
        accessor: &Accessing<T>,
        handle: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = opened(accessor, &handle)?;
        Ok(store.set(&key, value).await.map_err(|error| failed(&error)))
    }

    async fn delete(
        accessor: &Accessing<T>,
        handle: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = opened(accessor, &handle)?;
        Ok(store.delete(&key).await.map_err(|error| failed(&error)))
    }

    async fn exists(
        accessor: &Accessing<T>,
        handle: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let store = opened(accessor, &handle)?;
        Ok(store.exists(&key).await.map_err(|error| failed(&error)))
    }

    async fn get_keys(
        accessor: &Accessing<T>,
        handle: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let keys = opened(accessor, &handle)?.keys();
        let (result, ended) = oneshot::channel();
        accessor.with(|mut access| {
            let stream = StreamReader::new(
                &mut access,
                KeyStream {
                    keys,
                    result: Some(result),
                },
            )?;
            // A stream that is dropped early never reports, and that is no error.
            let outcome = async { wasmtime::error::Ok(ended.await.unwrap_or(Ok(()))) };
            let future = FutureReader::new(&mut access, outcome)?;
            Ok((stream, future))
        })
    }
}

/// Hands the batches of [`Keys`] to a guest, and how they ended to its future.
struct KeyStream {
    keys: Keys,
    result: Option<oneshot::Sender<Result<(), Error>>>,
}

impl<D> StreamProducer<D> for KeyStream {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, String, VecBuffer<String>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of nothing asks whether there is something; the next one will wait for it.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let outcome = match self.keys.poll_next_unpin(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(batch))) => {
                destination.set_buffer(batch.into());
                return Poll::Ready(Ok(StreamResult::Completed));
            }
            Poll::Ready(Some(Err(error))) => Err(failed(&error)),
            Poll::Ready(None) => Ok(()),
        };
        if let Some(result) = self.result.take() {
            // The guest may have dropped its end, and then does not want to know.
            let _ = result.send(outcome);
        }
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}
