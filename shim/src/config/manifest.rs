//! `spin.toml` as it is written: manifest version 2, as far as this host runs it.
//!
//! Nothing is checked across tables here; [`super`] does that. Each table keeps the keys that it
//! does not know, so that all of them can be reported at once.

use crate::fault::Fault;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The whole manifest.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) spin_manifest_version: toml::Value,
    pub(super) application: Application,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub(super) trigger: Triggers,
    #[serde(default)]
    pub(super) component: BTreeMap<String, ComponentTable>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// `[application]`.
#[derive(Debug, Deserialize)]
pub(super) struct Application {
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    /// Settings for tools, which Spin ignores too.
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
    #[serde(flatten)]
    unknown: Unknown,
}

/// An entry of `[variables]`.
#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) default: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
    /// Nothing that this host prints holds a variable's value, secret or not.
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// `[[trigger.*]]`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Triggers {
    #[serde(default)]
    pub(super) http: Vec<HttpTrigger>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// One `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
pub(super) struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub(super) component: toml::Value,
    pub(super) route: toml::Value,
    #[serde(flatten)]
    unknown: Unknown,
}

/// One `[component.ID]`.
#[derive(Debug, Deserialize)]
pub(super) struct ComponentTable {
    #[serde(default, rename = "description")]
    _description: String,
    pub(super) source: toml::Value,
    #[serde(default)]
    pub(super) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(super) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    /// How the component is built; not this host's business.
    #[serde(default, rename = "build")]
    _build: toml::Table,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
    #[serde(flatten)]
    unknown: Unknown,
}

/// The keys of a table that nothing here asks for.
type Unknown = BTreeMap<String, toml::Value>;

impl Manifest {
    /// Reads the file. Faults of syntax and type end the reading; unknown keys do not.
    pub(super) fn read(path: &Path, faults: &mut Vec<Fault>) -> Option<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path, faults),
            Err(error) => {
                faults.push(Fault::new(format!(
                    "cannot read the manifest `{}`: {error}; name it with --from",
                    path.display()
                )));
                None
            }
        }
    }

    /// Reads what the file at `path` holds.
    pub(super) fn parse(text: &str, path: &Path, faults: &mut Vec<Fault>) -> Option<Self> {
        match toml::from_str::<Self>(text) {
            Ok(manifest) => {
                manifest.report_unknown(path, faults);
                Some(manifest)
            }
            Err(error) => {
                faults.push(Fault::toml(path, text, &error));
                None
            }
        }
    }

    fn report_unknown(&self, path: &Path, faults: &mut Vec<Fault>) {
        let mut report = |table: &str, unknown: &Unknown| {
            for key in unknown.keys() {
                faults.push(Fault::new(format!(
                    "`{}` has `{key}` in {table}, which this host does not know; remove it, or run the app with Spin",
                    path.display()
                )));
            }
        };
        report("its top level", &self.unknown);
        report("[application]", &self.application.unknown);
        report("[trigger]", &self.trigger.unknown);
        for trigger in &self.trigger.http {
            report("[[trigger.http]]", &trigger.unknown);
        }
        for (name, variable) in &self.variables {
            report(&format!("[variables.{name}]"), &variable.unknown);
        }
        for (id, component) in &self.component {
            report(&format!("[component.{id}]"), &component.unknown);
        }
    }
}

/// The file that a component's `source` names, or why it names none.
pub(super) fn source_path(source: &toml::Value, directory: &Path) -> Result<PathBuf, &'static str> {
    match source {
        toml::Value::String(path) => Ok(directory.join(path)),
        _ => Err("a `source` that is not a path"),
    }
}
