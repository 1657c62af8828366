//! The runtime configuration file: where stores are kept and how much may run at once.
//!
//! The tables `[key_value_store.LABEL]` are Spin's; `[processor]`, `[proxy]` and `[limits]`
//! are this host's.

use super::limits::Limits;
use super::processor::ProcessorConfig;
use crate::fault::Fault;
use ipnet::IpNet;
use kv::{AccountKey, Backend, CosmosSettings, RedisAddress};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What the file says, with defaults for what it does not.
#[derive(Debug, Default)]
pub(super) struct RuntimeConfig {
    pub(super) stores: BTreeMap<String, Backend>,
    pub(super) processor: ProcessorConfig,
    pub(super) proxies: Vec<IpNet>,
    pub(super) limits: Limits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key_value_store: BTreeMap<String, toml::Table>,
    #[serde(default)]
    processor: Option<toml::Table>,
    #[serde(default)]
    proxy: Proxy,
    #[serde(default)]
    limits: Limits,
}

/// What stands before this host.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxy {
    /// The addresses and networks of proxies whose word on their clients is taken.
    #[serde(default)]
    trusted: Vec<String>,
}

impl Proxy {
    fn networks(&self, path: &Path, faults: &mut Vec<Fault>) -> Vec<IpNet> {
        let networks = self.trusted.iter().filter_map(|text| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            let network = address.or_else(|_| text.parse::<IpNet>());
            if network.is_err() {
                faults.push(Fault::new(format!(
                    "`{}` trusts `{text}` in [proxy], which is no address and no network; write `trusted` as in [\"10.0.0.0/8\"]",
                    path.display()
                )));
            }
            network.ok()
        });
        networks.collect()
    }
}

impl RuntimeConfig {
    /// Reads the file; relative paths in it are taken from `state_dir`, as Spin does.
    pub(super) fn read(path: &Path, state_dir: &Path, faults: &mut Vec<Fault>) -> Self {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                faults.push(Fault::new(format!(
                    "cannot read the runtime config `{}`: {error}; correct --runtime-config-file",
                    path.display()
                )));
                return Self::default();
            }
        };
        Self::parse(&text, path, state_dir, faults)
    }

    /// What such a file would say; `path` is what faults call it.
    pub(super) fn parse(
        text: &str,
        path: &Path,
        state_dir: &Path,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                faults.push(Fault::toml(path, text, &error));
                return Self::default();
            }
        };
        file.limits.check(path, faults);
        let proxies = file.proxy.networks(path, faults);
        Self {
            stores: file
                .key_value_store
                .into_iter()
                .filter_map(|(label, table)| match backend(&label, table, state_dir) {
                    Ok(backend) => Some((label, backend)),
                    Err(problem) => {
                        faults.push(Fault::new(format!("`{}` {problem}", path.display())));
                        None
                    }
                })
                .collect(),
            processor: file
                .processor
                .map(|table| ProcessorConfig::read(table, path, faults))
                .unwrap_or_default(),
            proxies,
            limits: file.limits,
        }
    }
}

fn backend(label: &str, mut table: toml::Table, state_dir: &Path) -> Result<Backend, String> {
    let here = format!("[key_value_store.{label}]");
    let Some(toml::Value::String(kind)) = table.remove("type") else {
        return Err(format!(
            "has no `type` in {here}; add `type = \"spin\"`, `type = \"redis\"` or `type = \"memory\"`"
        ));
    };
    let backend = match kind.as_str() {
        "spin" => match table.remove("path") {
            Some(toml::Value::String(path)) => Backend::Sqlite {
                path: state_dir.join(PathBuf::from(path)),
            },
            _ => {
                return Err(format!(
                    "has no `path` in {here}; add one, or say `type = \"memory\"` if its data may be lost"
                ));
            }
        },
        "redis" => match table.remove("url") {
            Some(toml::Value::String(url)) => {
                Backend::Redis(RedisAddress::parse(&url).map_err(|problem| {
                    format!("has a `url` in {here} that is no Redis URL: {problem}; write `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS")
                })?)
            }
            _ => {
                return Err(format!(
                    "has no `url` in {here}; add `url = \"redis://HOST:PORT/DATABASE\"`"
                ));
            }
        },
        "memory" => Backend::Memory,
        "azure_cosmos" => Backend::AzureCosmos(azure_cosmos(&mut table, &here)?),
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

fn azure_cosmos(table: &mut toml::Table, here: &str) -> Result<CosmosSettings, String> {
    let mut text = |setting: &str| match table.remove(setting) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text)),
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
