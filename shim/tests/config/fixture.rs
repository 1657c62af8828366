//! A directory with an app in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use wasm_shim::AppArgs;
use wasm_shim::config::App;

/// A component that exports nothing and imports nothing: valid, and no use.
pub(crate) const EMPTY_COMPONENT: &str = "(component)";

/// A manifest that is right as it is.
pub(crate) const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "shop"
version = "1.2.3"
description = "sells"

[variables]
region = { default = "north" }
token = { required = true, secret = true }

[[trigger.http]]
route = "/..."
component = "api"

[[trigger.http]]
route = { private = true }
component = "processor"

[component.api]
source = "api.wasm"
key_value_stores = ["default"]
allowed_outbound_hosts = ["http://processor.spin.internal", "https://{{ region }}.example.com"]
environment = { LANG = "C" }

[component.api.variables]
greeting = "hello {{ region }}, {{token}}"

[component.api.build]
command = "make"

[component.processor]
source = "processor.wasm"
"#;

/// An app's directory, removed when dropped.
pub(crate) struct Fixture {
    directory: TempDir,
    pub(crate) arguments: AppArgs,
    environment: BTreeMap<String, String>,
}

impl Fixture {
    /// The app of [`MANIFEST`], with every variable set.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let arguments = AppArgs {
            from: Some(directory.path().to_owned()),
            variables: vec!["token=s3cret".to_owned()],
            ..AppArgs::default()
        };
        let fixture = Self {
            directory,
            arguments,
            environment: BTreeMap::new(),
        };
        fixture.component("api.wasm", EMPTY_COMPONENT);
        fixture.component("processor.wasm", EMPTY_COMPONENT);
        fixture.manifest(MANIFEST)
    }

    /// With another manifest.
    pub(crate) fn manifest(self, text: &str) -> Self {
        fs::write(self.path("spin.toml"), text).expect("a written manifest");
        self
    }

    /// With `from` replaced by `to` in [`MANIFEST`].
    pub(crate) fn edited(self, from: &str, to: &str) -> Self {
        assert!(MANIFEST.contains(from), "the manifest has no `{from}`");
        self.manifest(&MANIFEST.replace(from, to))
    }

    /// With a runtime config.
    pub(crate) fn runtime_config(mut self, text: &str) -> Self {
        let path = self.path("runtime-config.toml");
        fs::write(&path, text).expect("a written runtime config");
        self.arguments.runtime_config_file = Some(path);
        self
    }

    /// With a variable of the environment.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a component, given as text.
    pub(crate) fn component(&self, name: &str, text: &str) {
        let binary = wat::parse_str(text).expect("a valid component");
        fs::write(self.path(name), binary).expect("a written component");
    }

    /// A file in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The app.
    pub(crate) fn app(&self) -> App {
        self.load()
            .unwrap_or_else(|faults| panic!("expected no faults, found {faults:#?}"))
    }

    /// The faults, each as its sentence.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.load().expect_err("expected faults, found none")
    }

    fn load(&self) -> Result<App, Vec<String>> {
        App::load_with(&self.arguments, |name| self.environment.get(name).cloned())
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }
}
