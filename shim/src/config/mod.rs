//! What is to run: arguments, manifest and runtime configuration, checked against each other.
//!
//! [`App::load`] either returns an [`App`] that cannot be wrong, as far as files can tell, or
//! every fault that it found, one sentence each that ends with the fix.

mod limits;
mod manifest;
mod processor;
mod runtime_config;
mod variables;

use crate::bundle::Bundle;
use crate::cli::AppArgs;
use crate::fault::Fault;
use crate::routes::{Route, Routes};
use host::{AllowedHosts, Cache, Component, Source};
use ipnet::IpNet;
use kv::Backend;
use manifest::Manifest;
use runtime_config::RuntimeConfig;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use variables::Variables;

pub use limits::Limits;
pub use processor::{ProcessorConfig, Runs};

/// The label that exists without configuration, as in Spin.
const DEFAULT_STORE: &str = "default";

/// The variable of the environment that holds a runtime configuration, where a platform hands over
/// an environment and no files. Not an argument, as it may hold a key.
const RUNTIME_CONFIG: &str = "RUNTIME_CONFIG";

/// The component that dispatched orders are for. A convention of this app, not of Spin.
pub const PROCESSOR: &str = "processor";

/// An app that can be run.
#[derive(Debug)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Its version, if the manifest gives one.
    pub version: String,
    /// What it does, in a line, if the manifest says so.
    pub description: String,
    /// Which component serves which path.
    pub routes: Routes,
    /// Every component, by id.
    pub components: BTreeMap<String, Component>,
    /// Every label that a component uses, and where it is kept.
    pub stores: BTreeMap<String, Backend>,
    /// How dispatched orders are run.
    pub processor: ProcessorConfig,
    /// The networks of the proxies whose word on their clients is taken.
    pub proxies: Vec<IpNet>,
    /// How much of everything there may be.
    pub limits: Limits,
    /// Where compiled components are kept from one start to the next, if anywhere.
    pub cache: Option<Cache>,
}

/// Where an app is read from.
enum Origin {
    Files(PathBuf),
    Bundle(Bundle),
}

impl Origin {
    /// What the arguments name, else what this executable holds, else what is in the working directory.
    fn find(from: Option<&Path>, faults: &mut Vec<Fault>) -> Self {
        let bundle = match from {
            Some(_) => None,
            None => Bundle::of_this_executable().unwrap_or_else(|fault| {
                faults.push(fault);
                None
            }),
        };
        match bundle {
            Some(bundle) => Self::Bundle(bundle),
            None => Self::Files(manifest_path(from.unwrap_or(Path::new("spin.toml")))),
        }
    }

    fn manifest(&self, faults: &mut Vec<Fault>) -> Option<Manifest> {
        match self {
            Self::Files(path) => Manifest::read(path, faults),
            Self::Bundle(bundle) => {
                Manifest::parse(bundle.manifest(), Path::new("spin.toml"), faults)
            }
        }
    }

    /// The manifest's path, for people.
    fn path(&self) -> &Path {
        match self {
            Self::Files(path) => path,
            Self::Bundle(_) => Path::new("spin.toml"),
        }
    }

    /// Where relative paths are taken from.
    fn directory(&self) -> &Path {
        self.path().parent().unwrap_or(Path::new(""))
    }

    fn source(&self, id: &str, source: &toml::Value) -> Result<Source, String> {
        match self {
            Self::Files(_) => match manifest::source_path(source, self.directory()) {
                Ok(path) if path.is_file() => Ok(Source::File(path)),
                Ok(path) => Err(format!(
                    "has no file at `{}`; run `cargo xtask build`",
                    path.display()
                )),
                Err(problem) => Err(format!("has {problem}; this host runs local files alone")),
            },
            Self::Bundle(bundle) => bundle
                .component(id)
                .map(Source::Bundled)
                .ok_or_else(|| "is not inside this executable; make it anew".to_owned()),
        }
    }
}

/// The manifest in a directory, or the file itself.
pub(crate) fn manifest_path(from: &Path) -> PathBuf {
    if from.is_dir() {
        from.join("spin.toml")
    } else {
        from.to_owned()
    }
}

impl App {
    /// Reads and checks everything that `arguments` name.
    pub fn load(arguments: &AppArgs) -> Result<Self, Vec<Fault>> {
        Self::load_with(arguments, |name| std::env::var(name).ok())
    }

    /// [`load`](Self::load) with an environment of the caller's.
    pub fn load_with(
        arguments: &AppArgs,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let origin = Origin::find(arguments.from.as_deref(), &mut faults);
        let state_dir = arguments
            .state_dir
            .clone()
            .unwrap_or_else(|| origin.directory().join(".spin"));
        let runtime_config = runtime_config(
            arguments.runtime_config_file.as_deref(),
            environment(RUNTIME_CONFIG).as_deref(),
            &state_dir,
            &mut faults,
        );
        let Some(manifest) = origin.manifest(&mut faults) else {
            return Err(faults);
        };
        if manifest.spin_manifest_version != toml::Value::Integer(2) {
            faults.push(Fault::new(format!(
                "`{}` has spin_manifest_version `{}`; this host reads version 2",
                origin.path().display(),
                manifest.spin_manifest_version
            )));
        }
        let variables = Variables::resolve(
            &manifest.variables,
            &arguments.variables,
            environment,
            &mut faults,
        );
        let routes = routes(&manifest, &mut faults);
        let stores = stores(&manifest, &runtime_config.stores, &state_dir, &mut faults);
        let components = components(&manifest, &origin, &variables, &mut faults);
        let cache = match origin {
            // What is inside this executable is compiled already.
            Origin::Bundle(_) => None,
            Origin::Files(_) => cache(arguments, &mut faults),
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            name: manifest.application.name,
            version: manifest.application.version,
            description: manifest.application.description,
            routes,
            components,
            stores,
            processor: runtime_config.processor,
            proxies: runtime_config.proxies,
            limits: runtime_config.limits,
            cache,
        })
    }
}

fn cache(arguments: &AppArgs, faults: &mut Vec<Fault>) -> Option<Cache> {
    if arguments.disable_cache {
        return None;
    }
    let file = arguments.cache.as_deref();
    match (host::cache(file), file) {
        (Ok(cache), _) => Some(cache),
        (Err(error), Some(file)) => {
            faults.push(Fault::new(format!(
                "the cache configuration `{}` is not valid: {error:#}; mend it, or leave --cache out",
                file.display()
            )));
            None
        }
        // Such as a user without a home: each start compiles.
        (Err(error), None) => {
            tracing::debug!(
                error = format!("{error:#}"),
                "compiled components are not kept"
            );
            None
        }
    }
}

fn runtime_config(
    path: Option<&Path>,
    text: Option<&str>,
    state_dir: &Path,
    faults: &mut Vec<Fault>,
) -> RuntimeConfig {
    match (path, text) {
        (Some(path), Some(_)) => {
            faults.push(Fault::new(format!(
                "there are two runtime configs, `{}` and the variable `{RUNTIME_CONFIG}`; unset one",
                path.display()
            )));
            RuntimeConfig::default()
        }
        (Some(path), None) => RuntimeConfig::read(path, state_dir, faults),
        (None, Some(text)) => {
            RuntimeConfig::parse(text, Path::new(RUNTIME_CONFIG), state_dir, faults)
        }
        (None, None) => RuntimeConfig::default(),
    }
}

fn routes(manifest: &Manifest, faults: &mut Vec<Fault>) -> Routes {
    let mut routes = Routes::default();
    for trigger in &manifest.trigger.http {
        let component = match &trigger.component {
            toml::Value::String(id) if manifest.component.contains_key(id) => id.clone(),
            other => {
                faults.push(Fault::new(format!(
                    "[[trigger.http]] names the component {other}, which is not in [component]; add it, or correct the name"
                )));
                continue;
            }
        };
        match &trigger.route {
            toml::Value::String(pattern) => match Route::parse(pattern, component) {
                Ok(route) => {
                    if let Err(twin) = routes.add(route) {
                        faults.push(Fault::new(format!(
                            "route `{pattern}` is given twice, the first time to component `{}`; remove one",
                            twin.component
                        )));
                    }
                }
                Err(problem) => faults.push(Fault::new(format!("route `{pattern}` {problem}"))),
            },
            toml::Value::Table(table)
                if table.len() == 1 && table.get("private") == Some(&toml::Value::Boolean(true)) => {}
            other => faults.push(Fault::new(format!(
                "component `{component}` has the route {other}; write a path, or `{{ private = true }}`"
            ))),
        }
    }
    if manifest.trigger.http.is_empty() {
        faults.push(Fault::new(
            "the manifest has no [[trigger.http]]; add one for each component",
        ));
    }
    routes
}

/// Where each label that a component lists is kept.
fn stores(
    manifest: &Manifest,
    configured: &BTreeMap<String, Backend>,
    state_dir: &Path,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, Backend> {
    let mut stores = BTreeMap::new();
    for (id, component) in &manifest.component {
        for label in &component.key_value_stores {
            let backend = match configured.get(label) {
                Some(backend) => backend.clone(),
                None if label == DEFAULT_STORE => Backend::default_in(state_dir),
                None => {
                    faults.push(Fault::new(format!(
                        "component `{id}` lists the key-value store `{label}`, which is not configured; add [key_value_store.{label}] to the runtime config, or use `{DEFAULT_STORE}`"
                    )));
                    continue;
                }
            };
            stores.insert(label.clone(), backend);
        }
    }
    stores
}

fn components(
    manifest: &Manifest,
    origin: &Origin,
    variables: &Variables,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, Component> {
    let mut components = BTreeMap::new();
    for (id, raw) in &manifest.component {
        let source = match origin.source(id, &raw.source) {
            Ok(source) => source,
            Err(problem) => {
                faults.push(Fault::new(format!("component `{id}` {problem}")));
                continue;
            }
        };
        components.insert(
            id.clone(),
            Component {
                source,
                stores: raw.key_value_stores.clone(),
                outbound: outbound(id, raw, manifest, variables, faults),
                variables: component_variables(id, raw, variables, faults),
                environment: raw.environment.clone().into_iter().collect(),
            },
        );
    }
    components
}

fn outbound(
    id: &str,
    raw: &manifest::ComponentTable,
    manifest: &Manifest,
    variables: &Variables,
    faults: &mut Vec<Fault>,
) -> AllowedHosts {
    let mut hosts = AllowedHosts::default();
    for entry in &raw.allowed_outbound_hosts {
        let added = match variables.fill(entry) {
            Ok(filled) => hosts.add(&filled),
            Err(problem) => Err(format!("{problem}; declare it in [variables]")),
        };
        // The entry is shown as written: what it came out as may hold a secret.
        if let Err(problem) = added {
            faults.push(Fault::new(format!(
                "allowed outbound host `{entry}` of component `{id}` {problem}"
            )));
        }
    }
    for target in hosts.chained_names() {
        if !manifest.component.contains_key(target) {
            faults.push(Fault::new(format!(
                "component `{id}` is granted requests to component `{target}`, which is not in [component]; add it, or correct the name"
            )));
        }
    }
    hosts
}

fn component_variables(
    id: &str,
    raw: &manifest::ComponentTable,
    variables: &Variables,
    faults: &mut Vec<Fault>,
) -> HashMap<String, String> {
    let mut filled = HashMap::new();
    for (name, template) in &raw.variables {
        if let Err(problem) = variables::check_name(name) {
            faults.push(Fault::new(format!(
                "variable `{name}` of component `{id}` {problem}; rename it"
            )));
        }
        match variables.fill(template) {
            Ok(value) => {
                filled.insert(name.clone(), value);
            }
            Err(problem) => faults.push(Fault::new(format!(
                "variable `{name}` of component `{id}` {problem}; declare it in [variables]"
            ))),
        }
    }
    filled
}
