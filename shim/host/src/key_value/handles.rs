//! What a component holds of a store.

use kv::{Error, Store};
use std::sync::Arc;

/// What a component holds when it has opened a label.
pub struct OpenStore(pub(super) Arc<dyn Store>);

/// A compare-and-swap in the making: a key, and what it held when it was last looked at.
pub struct Cas {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: String,
    pub(super) seen: Option<Vec<u8>>,
    /// Whether the guest has been shown what was seen.
    shown: bool,
}

impl Cas {
    /// Captures what the key holds now.
    pub(super) async fn capture(store: Arc<dyn Store>, key: String) -> Result<Self, Error> {
        let seen = store.get(&key).await?;
        Ok(Self {
            store,
            key,
            seen,
            shown: false,
        })
    }

    /// What the key holds: as captured for who asks first, which spares every swap a second read,
    /// and then as it is.
    pub(super) async fn current(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.shown {
            self.seen = self.store.get(&self.key).await?;
        }
        self.shown = true;
        Ok(self.seen.clone())
    }
}
