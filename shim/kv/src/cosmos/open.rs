//! Opening a container, and what is said where that fails: one sentence that ends with the fix.

use super::account::{self, Account, AccountError, Fitness, chain};
use super::call_error::{is_missing, one_line};
use super::client;
use super::credential::Credential;
use super::settings::CosmosSettings;
use crate::OpenError;
use azure_core::http::Etag;
use azure_data_cosmos::CosmosError;
use azure_data_cosmos::clients::ContainerClient;
use azure_data_cosmos::models::ResourceResponse;
use azure_data_cosmos::options::{ItemWriteOptions, Precondition};
use reqwest::Url;
use std::time::Duration;

/// How long opening may take altogether.
const OPEN_MAX: Duration = Duration::from_secs(40);

/// The partition key by which each key is a partition of its own, as Spin has it.
const PARTITION_KEY: &str = "/id";

/// An item to be denied. Should a key have this name, the condition below keeps it.
const NO_ITEM: &str = "wasm-shim-may-write";

/// Why a container was not opened.
#[derive(Debug)]
pub(super) enum ContainerError {
    /// Nobody answered, or the account is out of order: it may be well later.
    Transient(OpenError),
    /// What will not mend by itself.
    Permanent(OpenError),
}

/// Opens the container, after everything was checked that can be known beforehand.
pub(super) async fn open(settings: &CosmosSettings) -> Result<ContainerClient, ContainerError> {
    let opening = Opening { settings };
    let endpoint = settings
        .endpoint_url()
        .map_err(|wrong| opening.wrong(format!("it {}", wrong.problem), &wrong.fix))?;
    // OK to ignore: another store has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::time::timeout(OPEN_MAX, opening.run(endpoint))
        .await
        .map_err(|_| {
            let problem = format!("it was not open within {} s", OPEN_MAX.as_secs());
            opening.yet(problem, "see whether the account is in order")
        })?
}

struct Opening<'a> {
    settings: &'a CosmosSettings,
}

impl Opening<'_> {
    async fn run(&self, endpoint: Url) -> Result<ContainerClient, ContainerError> {
        let credential = Credential::new(self.settings)
            .map_err(|error| self.refused(AccountError::NoCredential(error)))?;
        let account = account::read(self.settings, &credential, endpoint.clone())
            .await
            .map_err(|refusal| self.refused(refusal))?;
        self.judge(&account)?;
        let container =
            client::connect(self.settings, endpoint, credential, account.write_region())
                .await
                .map_err(|error| self.failed_call(&error))?;
        self.check_partition_key(&container).await?;
        self.check_role(&container).await?;
        Ok(container)
    }

    fn judge(&self, account: &Account) -> Result<(), ContainerError> {
        match account.fitness() {
            Fitness::Fit => Ok(()),
            Fitness::Lagging(why) => {
                tracing::warn!("{}: {why}", self.settings);
                Ok(())
            }
            Fitness::Unfit(problem, fix) => Err(self.wrong(problem, fix)),
        }
    }

    async fn check_partition_key(&self, container: &ContainerClient) -> Result<(), ContainerError> {
        let properties = container.read(None).await;
        let properties = properties
            .and_then(ResourceResponse::into_model)
            .map_err(|error| self.failed_call(&error))?;
        let paths = properties.partition_key.paths();
        if paths.len() == 1 && paths[0] == PARTITION_KEY {
            return Ok(());
        }
        let found = paths.join("`, `");
        let problem = format!("its partition key is `{found}`, expected `{PARTITION_KEY}`");
        Err(self.wrong(
            problem,
            "create the container anew with partition key `/id`, and name it in `container`",
        ))
    }

    /// Whether writes are allowed: a delete of an item that is not there, and that is conditional
    /// on a version that no item has.
    async fn check_role(&self, container: &ContainerClient) -> Result<(), ContainerError> {
        let impossible = Precondition::IfMatch(Etag::from("\"none\""));
        let options = ItemWriteOptions::default().with_precondition(impossible);
        match container.delete_item(NO_ITEM, NO_ITEM, Some(options)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let status = error.status();
                if status.is_not_found() || status.is_precondition_failed() {
                    return Ok(());
                }
                Err(self.failed_call(&error))
            }
        }
    }

    fn refused(&self, refusal: AccountError) -> ContainerError {
        match refusal {
            AccountError::NoCredential(error) if self.settings.key.is_some() => self.wrong(
                format!("its `key` cannot sign: {}", chain(&error)),
                "set `key` to the account's primary or secondary key, which is base64",
            ),
            AccountError::NoCredential(error) => self.wrong(
                format!("there is no `key` and no identity: {}", chain(&error)),
                "set `key`, or give this host a managed or workload identity (`AZURE_CLIENT_ID` names a user-assigned one)",
            ),
            AccountError::Unreachable(cause) => self.yet(
                format!("the account does not answer: {cause}"),
                "correct `account`, or see whether this machine may reach it",
            ),
            AccountError::Unauthorized if self.settings.key.is_some() => self.wrong(
                "the account does not accept its `key`".to_owned(),
                "set `key` to the account's primary or secondary key",
            ),
            AccountError::Unauthorized => self.wrong(
                "the account does not accept the identity's token".to_owned(),
                "see whether the identity is of the account's tenant",
            ),
            AccountError::Forbidden => self.forbidden(),
            AccountError::Unexpected(problem) => {
                self.wrong(problem, "correct `account` or `endpoint`")
            }
        }
    }

    fn failed_call(&self, error: &CosmosError) -> ContainerError {
        let status = error.status();
        if is_missing(error) {
            return self.wrong(
                "there is no such database or container".to_owned(),
                "create it with partition key `/id`, or correct `database` and `container`",
            );
        }
        if status.is_forbidden() {
            return self.forbidden();
        }
        if status.is_unauthorized() {
            return self.refused(AccountError::Unauthorized);
        }
        self.yet(one_line(error), "see whether the account is in order")
    }

    fn forbidden(&self) -> ContainerError {
        if self.settings.key.is_some() {
            return self.wrong(
                "the account refuses this machine or its `key` (403)".to_owned(),
                "allow this machine's address in the account's firewall, and a key that may write",
            );
        }
        self.wrong(
            "the identity may not read and write its data (403)".to_owned(),
            "assign it the role `Cosmos DB Built-in Data Contributor` on the account, and see that the firewall lets this machine in",
        )
    }

    fn yet(&self, problem: String, fix: &str) -> ContainerError {
        ContainerError::Transient(self.error(problem, fix))
    }

    fn wrong(&self, problem: String, fix: &str) -> ContainerError {
        ContainerError::Permanent(self.error(problem, fix))
    }

    fn error(&self, problem: String, fix: &str) -> OpenError {
        OpenError {
            store: self.settings.to_string(),
            problem,
            fix: fix.to_owned(),
        }
    }
}
