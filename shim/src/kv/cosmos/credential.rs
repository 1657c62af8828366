//! Who the shim is to the account: a key, or the identity that the environment offers.

use super::settings::CosmosSettings;
use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::{
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential,
};
use std::sync::Arc;

/// Where Kubernetes puts a pod's token, if it has a workload identity.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Names a user-assigned identity.
const CLIENT_ID: &str = "AZURE_CLIENT_ID";

/// What requests are signed or accompanied by. Neither has a `Debug` that shows it.
#[derive(Clone)]
pub(super) enum Credential {
    /// Signs with the account's key.
    Key(Secret),
    /// Brings a token of Entra ID.
    Identity(Arc<dyn TokenCredential>),
}

impl Credential {
    /// The key of `settings`, else the workload identity of a pod, else the managed identity of a
    /// container app or a machine. Gets no token yet.
    pub(super) fn new(settings: &CosmosSettings) -> Result<Self, azure_core::Error> {
        if let Some(key) = &settings.key {
            return Ok(Self::Key(key.secret().clone()));
        }
        if std::env::var_os(TOKEN_FILE).is_some() {
            let identity: Arc<dyn TokenCredential> = WorkloadIdentityCredential::new(None)?;
            return Ok(Self::Identity(identity));
        }
        let client_id = std::env::var(CLIENT_ID)
            .ok()
            .filter(|client_id| !client_id.is_empty());
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: client_id.map(UserAssignedId::ClientId),
            ..ManagedIdentityCredentialOptions::default()
        };
        let identity: Arc<dyn TokenCredential> = ManagedIdentityCredential::new(Some(options))?;
        Ok(Self::Identity(identity))
    }
}
