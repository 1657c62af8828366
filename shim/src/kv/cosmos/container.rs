//! A container that is opened at start, or later if its account cannot be reached then.

use super::failure::Failure;
use super::open::{self, Unopened};
use super::settings::CosmosSettings;
use crate::kv::OpenError;
use azure_data_cosmos::clients::ContainerClient;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long calls fail at once after an attempt to open that failed.
const PAUSE: Duration = Duration::from_secs(3);

/// A container, open or not yet.
pub(super) struct Container {
    settings: CosmosSettings,
    open: OnceLock<ContainerClient>,
    /// The last attempt that failed. Held while opening, so that one attempt is made at a time.
    failed: Mutex<Option<(Instant, Arc<OpenError>)>>,
}

impl Container {
    /// Opens it, if the account can be reached.
    ///
    /// # Errors
    /// What will not mend by itself.
    pub(super) async fn open(settings: &CosmosSettings) -> Result<Self, OpenError> {
        let container = Self {
            settings: settings.clone(),
            open: OnceLock::new(),
            failed: Mutex::default(),
        };
        match open::open(settings).await {
            Ok(client) => container.keep(client),
            Err(Unopened::Wrong(error)) => return Err(error),
            Err(Unopened::Yet(error)) => {
                tracing::warn!(
                    error = error.to_string(),
                    "the key-value store cannot be reached yet; until then nothing is accepted"
                );
                *container.failed.lock().await = Some((Instant::now(), Arc::new(error)));
            }
        }
        Ok(container)
    }

    /// Its client; opens it if that was not possible before.
    pub(super) async fn get(&self) -> Result<ContainerClient, Failure> {
        if let Some(client) = self.open.get() {
            return Ok(client.clone());
        }
        let mut failed = self.failed.lock().await;
        // Somebody else may have opened it meanwhile.
        if let Some(client) = self.open.get() {
            return Ok(client.clone());
        }
        if let Some((at, error)) = &*failed
            && at.elapsed() < PAUSE
        {
            return Err(Failure::NotOpen(error.clone()));
        }
        match open::open(&self.settings).await {
            Ok(client) => {
                tracing::info!("{} is open", self.settings);
                self.keep(client.clone());
                Ok(client)
            }
            Err(Unopened::Yet(error) | Unopened::Wrong(error)) => {
                let error = Arc::new(error);
                *failed = Some((Instant::now(), error.clone()));
                Err(Failure::NotOpen(error))
            }
        }
    }

    fn keep(&self, client: ContainerClient) {
        // OK to ignore: whoever opened it first keeps it.
        let _ = self.open.set(client);
    }
}
