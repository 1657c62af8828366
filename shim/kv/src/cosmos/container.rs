//! A container that is opened at start, or later if its account cannot be reached then; and anew when
//! its account takes writes in another region than before.

use super::call_error::CallError;
use super::open::{self, ContainerError};
use super::settings::CosmosSettings;
use crate::OpenError;
use azure_data_cosmos::clients::ContainerClient;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long calls fail at once after an attempt to open that failed.
const PAUSE: Duration = Duration::from_secs(3);

/// A container, open or not yet.
pub(super) struct Container {
    settings: CosmosSettings,
    open: std::sync::Mutex<Option<ContainerClient>>,
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
            open: std::sync::Mutex::default(),
            failed: Mutex::default(),
        };
        match open::open(settings).await {
            Ok(client) => container.keep(client),
            Err(ContainerError::Permanent(error)) => return Err(error),
            Err(ContainerError::Transient(error)) => {
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
    pub(super) async fn get(&self) -> Result<ContainerClient, CallError> {
        if let Some(client) = self.existing() {
            return Ok(client);
        }
        let mut failed = self.failed.lock().await;
        // Somebody else may have opened it meanwhile.
        if let Some(client) = self.existing() {
            return Ok(client);
        }
        if let Some((at, error)) = &*failed
            && at.elapsed() < PAUSE
        {
            return Err(CallError::NotOpen(error.clone()));
        }
        match open::open(&self.settings).await {
            Ok(client) => {
                tracing::info!("{} is open", self.settings);
                self.keep(client.clone());
                Ok(client)
            }
            Err(ContainerError::Transient(error) | ContainerError::Permanent(error)) => {
                let error = Arc::new(error);
                *failed = Some((Instant::now(), error.clone()));
                Err(CallError::NotOpen(error))
            }
        }
    }

    /// What it was opened by.
    pub(super) fn settings(&self) -> &CosmosSettings {
        &self.settings
    }

    /// Has the next call open it anew, by what the account says of itself then.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn existing(&self) -> Option<ContainerClient> {
        self.lock().clone()
    }

    fn keep(&self, client: ContainerClient) {
        *self.lock() = Some(client);
    }

    /// OK to go on after a panic elsewhere: each change of it is a single assignment.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ContainerClient>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
