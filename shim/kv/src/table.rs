//! What a table `[key_value_store.LABEL]` of a runtime configuration says: Spin's, and with the same
//! members.

use crate::cosmos::{AccountKey, CosmosSettings};
use crate::redis::RedisAddress;
use crate::stores::Backend;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

impl Backend {
    /// Where the keys of `label` are by its table; relative paths are taken from `state_dir`, as Spin
    /// does.
    ///
    /// # Errors
    /// What is wrong with the table, as in "has no …", and what to do about it.
    pub fn read(label: &str, mut table: Table, state_dir: &Path) -> Result<Self, String> {
        let here = format!("[key_value_store.{label}]");
        let Some(Value::String(kind)) = table.remove("type") else {
            return Err(format!(
                "has no `type` in {here}; add `type = \"spin\"`, `type = \"redis\"` or `type = \"memory\"`"
            ));
        };
        let backend = match kind.as_str() {
            "spin" => match table.remove("path") {
                Some(Value::String(path)) => Self::Sqlite {
                    path: state_dir.join(PathBuf::from(path)),
                },
                _ => {
                    return Err(format!(
                        "has no `path` in {here}; add one, or say `type = \"memory\"` if its data may be lost"
                    ));
                }
            },
            "redis" => match table.remove("url") {
                Some(Value::String(url)) => {
                    Self::Redis(RedisAddress::parse(&url).map_err(|problem| {
                        format!("has a `url` in {here} that is no Redis URL: {problem}; write `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS")
                    })?)
                }
                _ => {
                    return Err(format!(
                        "has no `url` in {here}; add `url = \"redis://HOST:PORT/DATABASE\"`"
                    ));
                }
            },
            "memory" => Self::Memory,
            "azure_cosmos" => Self::AzureCosmos(azure_cosmos(&mut table, &here)?),
            other => {
                return Err(format!(
                    "has type `{other}` in {here}, which this host does not know; use `spin`, `redis`, `azure_cosmos` or `memory`"
                ));
            }
        };
        match table.keys().next() {
            Some(key) => Err(format!(
                "has `{key}` in {here}, which type `{kind}` does not know; remove it"
            )),
            None => Ok(backend),
        }
    }
}

fn azure_cosmos(table: &mut Table, here: &str) -> Result<CosmosSettings, String> {
    let mut text = |setting: &str| match table.remove(setting) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        // What is there is not shown: it may be a key.
        Some(_) => Err(format!(
            "has `{setting}` in {here}, which is not a string; put it in quotes"
        )),
    };
    let missing = |setting: &str| format!("has no `{setting}` in {here}; add one");
    let settings = CosmosSettings {
        account: text("account")?.ok_or_else(|| missing("account"))?,
        database: text("database")?.ok_or_else(|| missing("database"))?,
        container: text("container")?.ok_or_else(|| missing("container"))?,
        key: text("key")?.map(AccountKey::from),
        endpoint: text("endpoint")?,
    };
    settings
        .check()
        .map_err(|wrong| format!("{} in {here}; {}", wrong.problem, wrong.fix))?;
    Ok(settings)
}
