//! Who this host is to Azure: the identity that the environment offers.

use azure_core::credentials::TokenCredential;
use azure_identity::{
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential,
};
use std::sync::Arc;

/// Where Kubernetes puts a pod's token, if it has a workload identity.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Names a user-assigned identity.
const CLIENT_ID: &str = "AZURE_CLIENT_ID";

/// The workload identity of a pod, else the managed identity of a container app or a machine: the
/// user-assigned one with `client_id`, else the one that `AZURE_CLIENT_ID` names, else the
/// system's. Gets no token yet.
///
/// # Errors
/// If the environment contradicts itself.
pub fn identity(client_id: Option<&str>) -> Result<Arc<dyn TokenCredential>, azure_core::Error> {
    if std::env::var_os(TOKEN_FILE).is_some() {
        return Ok(WorkloadIdentityCredential::new(None)?);
    }
    let named = std::env::var(CLIENT_ID).ok();
    let client_id = client_id.or(named.as_deref()).filter(|id| !id.is_empty());
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(|id| UserAssignedId::ClientId(id.to_owned())),
        ..Default::default()
    };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}
