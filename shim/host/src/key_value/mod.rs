//! Stores for components: an instance's view of those that it is granted, under three interfaces.
//!
//! Each of [`spin`], [`fermyon`] and [`wasi`] translates one interface into methods of
//! [`Store`]. Where data is kept is not known here.

mod bindings;
mod fermyon;
mod handles;
mod spin;
mod wasi;

use self::handles::OpenStore;
use crate::meter::Meter;
use futures::TryStreamExt as _;
use kv::Store;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// How many bytes of keys are listed at once at most; they must fit the guest's memory.
const LISTED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The stores that a component is granted, by label.
pub(crate) type Granted = HashMap<String, Arc<dyn Store>>;

/// A component's view of its stores.
pub(crate) struct KeyValueView<'a> {
    pub(crate) granted: &'a Granted,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) meter: &'a Meter,
}

/// Lets components import stores; `view` finds theirs in the state of an instance.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyValueView<'_>,
) -> wasmtime::Result<()> {
    bindings::spin::key_value::key_value::add_to_linker::<_, HasKeyValue>(linker, view)?;
    bindings::fermyon::spin::key_value::add_to_linker::<_, HasKeyValue>(linker, view)?;
    bindings::wasi::keyvalue::store::add_to_linker::<_, HasKeyValue>(linker, view)?;
    bindings::wasi::keyvalue::batch::add_to_linker::<_, HasKeyValue>(linker, view)?;
    bindings::wasi::keyvalue::atomics::add_to_linker::<_, HasKeyValue>(linker, view)
}

/// Projects the state of an instance to its [`KeyValueView`].
struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = KeyValueView<'a>;
}

impl KeyValueView<'_> {
    /// The store behind a handle.
    fn store(&self, handle: &Resource<OpenStore>) -> wasmtime::Result<Arc<dyn Store>> {
        Ok(self.table.get(handle)?.0.clone())
    }
}

/// All keys at once, as long as they fit the guest's memory; otherwise a sentence.
async fn list(store: &dyn Store) -> Result<Vec<String>, String> {
    let mut batches = store.keys();
    let mut listed = Vec::new();
    let mut bytes = 0;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(|error| error.to_string())?
    {
        bytes += batch.iter().map(String::len).sum::<usize>();
        if bytes > LISTED_BYTES_MAX {
            return Err(format!(
                "the keys exceed {LISTED_BYTES_MAX} bytes; read them with get-keys of WASI 0.3, which streams them"
            ));
        }
        listed.extend(batch);
    }
    Ok(listed)
}
