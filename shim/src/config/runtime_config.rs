//! The runtime configuration file: where stores are kept and how much may run at once.
//!
//! The tables `[key_value_store.LABEL]` are Spin's; `[processor]`, `[proxy]` and `[limits]`
//! are this host's.

use super::limits::Limits;
use super::processor::ProcessorConfig;
use crate::fault::Fault;
use ipnet::IpNet;
use kv::Backend;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

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
                .filter_map(
                    |(label, table)| match Backend::read(&label, table, state_dir) {
                        Ok(backend) => Some((label, backend)),
                        Err(problem) => {
                            faults.push(Fault::new(format!("`{}` {problem}", path.display())));
                            None
                        }
                    },
                )
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
