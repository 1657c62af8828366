//! What the configuration says about one container: [`CosmosSettings`].

use azure_core::credentials::Secret;
use reqwest::Url;
use std::fmt;

/// A table `[key_value_store.LABEL]` with `type = "azure_cosmos"`. All but `endpoint` are Spin's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosmosSettings {
    /// The account's name.
    pub account: String,
    /// The database's name.
    pub database: String,
    /// The container's name. Its partition key is `/id`.
    pub container: String,
    /// The account's primary or secondary key. Without it, the identity that the environment
    /// offers is used.
    pub key: Option<AccountKey>,
    /// Where the account is, if not at `https://{account}.documents.azure.com`: an emulator, or a
    /// cloud with other names.
    pub endpoint: Option<String>,
}

/// An account's key, which no log, error or debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountKey(Secret);

impl AccountKey {
    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }
}

impl From<String> for AccountKey {
    fn from(key: String) -> Self {
        Self(Secret::from(key))
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey")
    }
}

/// A setting that can be seen to be wrong: what it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingsError {
    /// What is wrong, as in "the table has …".
    pub(crate) problem: String,
    /// What the operator can do.
    pub(crate) fix: String,
}

impl CosmosSettings {
    /// What is wrong with them on the face of it.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let named = [
            ("account", &self.account),
            ("database", &self.database),
            ("container", &self.container),
        ];
        for (setting, name) in named {
            // They become segments of paths, and the account's a part of a host name.
            if name.is_empty() || name.contains(['/', '\\', '?', '#']) {
                return Err(SettingsError {
                    problem: format!("has {setting} `{name}`, which is no name"),
                    fix: format!("set `{setting}` to the name that the portal shows"),
                });
            }
        }
        self.endpoint_url().map(drop)
    }

    /// Where the account is.
    pub(super) fn endpoint_url(&self) -> Result<Url, SettingsError> {
        let (text, setting) = match &self.endpoint {
            Some(endpoint) => (endpoint.clone(), "endpoint"),
            None => (
                format!("https://{}.documents.azure.com/", self.account),
                "account",
            ),
        };
        let url = Url::parse(&text).map_err(|error| SettingsError {
            problem: format!("means the address `{text}`, which is not valid: {error}"),
            fix: format!("correct `{setting}`"),
        })?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() == "https" || (url.scheme() == "http" && local) {
            return Ok(url);
        }
        Err(SettingsError {
            problem: format!("has endpoint `{text}`, which is not encrypted"),
            fix: "begin it with `https://`: only an emulator on this machine may do without"
                .to_owned(),
        })
    }
}

impl fmt::Display for CosmosSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            database,
            container,
            ..
        } = self;
        write!(
            f,
            "Cosmos DB container `{container}` of database `{database}` in account `{account}`"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: Option<&str>) -> CosmosSettings {
        CosmosSettings {
            account: "shop".to_owned(),
            database: "orders".to_owned(),
            container: "default".to_owned(),
            key: Some(AccountKey::from("c2VjcmV0".to_owned())),
            endpoint: endpoint.map(str::to_owned),
        }
    }

    #[test]
    fn an_account_is_found_by_its_name_as_spin_does() {
        let url = settings(None).endpoint_url().unwrap();
        assert_eq!(url.as_str(), "https://shop.documents.azure.com/");
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        assert_eq!(settings(Some("http://127.0.0.1:8081")).check(), Ok(()));
        assert_eq!(settings(Some("https://example.com")).check(), Ok(()));
        let refusal = settings(Some("http://example.com")).check().unwrap_err();
        assert!(refusal.fix.starts_with("begin it with `https://`"));
    }

    #[test]
    fn a_name_that_would_change_the_path_is_refused() {
        let mut settings = settings(None);
        settings.database = "../colls".to_owned();
        let refusal = settings.check().unwrap_err();
        assert!(refusal.fix.contains("`database`"));
    }

    #[test]
    fn the_key_is_not_in_the_debug_output() {
        let debug = format!("{:?}", settings(None));
        assert!(!debug.contains("c2VjcmV0"), "{debug}");
        assert!(debug.contains("AccountKey"), "{debug}");
    }
}
