//! Who the shim is to the account: a key, or the identity that the environment offers.

use super::settings::CosmosSettings;
use azure_core::credentials::{Secret, TokenCredential};
use std::sync::Arc;

/// What requests are signed or accompanied by. Neither has a `Debug` that shows it.
#[derive(Clone)]
pub(super) enum Credential {
    /// Signs with the account's key.
    Key(Secret),
    /// Brings a token of Entra ID.
    Identity(Arc<dyn TokenCredential>),
}

impl Credential {
    /// The key of `settings`, else the [identity](azure::identity()) of the environment. Gets
    /// no token yet.
    pub(super) fn new(settings: &CosmosSettings) -> Result<Self, azure_core::Error> {
        match &settings.key {
            Some(key) => Ok(Self::Key(key.secret().clone())),
            None => azure::identity(None).map(Self::Identity),
        }
    }
}
