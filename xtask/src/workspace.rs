//! Where the workspace is, and what its manifests say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::wasi::Wasi;

/// The workspace in two parts, as arguments of Cargo. It unites the features that the packages
/// of one command ask for, so together with others the shim would need Wasmtime compiled anew.
pub(crate) const PARTS: [&[&str]; 2] = [
    &[
        "--package=wasm-shim",
        "--package=host",
        "--package=kv",
        "--package=azure",
    ],
    &[
        "--workspace",
        "--exclude=wasm-shim",
        "--exclude=host",
        "--exclude=kv",
        "--exclude=azure",
    ],
];

/// The part of `spin.toml` that tasks and rules read; the rest is the host's.
#[derive(Deserialize)]
pub(crate) struct SpinManifest {
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) component: BTreeMap<String, Component>,
}

/// A variable of the application.
#[derive(Deserialize)]
pub(crate) struct Variable {
    /// None if it must be set.
    pub(crate) default: Option<String>,
}

/// A component, and how it is built.
#[derive(Deserialize)]
pub(crate) struct Component {
    pub(crate) source: PathBuf,
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) build: Build,
}

/// What `spin build` runs for a component.
#[derive(Deserialize)]
pub(crate) struct Build {
    pub(crate) command: String,
}

impl SpinManifest {
    pub(crate) fn read(wasi: Wasi) -> Result<Self> {
        let name = wasi.manifest();
        let text = fs::read_to_string(root().join(name))
            .with_context(|| format!("cannot read `{name}`"))?;
        Self::parse(&text).with_context(|| format!("cannot parse `{name}`"))
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }
}

/// The version of all that is here.
pub(crate) fn version() -> Result<String> {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Workspace,
    }
    #[derive(Deserialize)]
    struct Workspace {
        package: Package,
    }
    #[derive(Deserialize)]
    struct Package {
        version: String,
    }
    let text = fs::read_to_string(root().join("Cargo.toml")).context("cannot read `Cargo.toml`")?;
    let manifest: Manifest = toml::from_str(&text).context("cannot parse `Cargo.toml`")?;
    Ok(manifest.workspace.package.version)
}

/// The directory of `Cargo.toml` and `spin.toml`.
pub(crate) fn root() -> &'static Path {
    // OK because this package's directory is one of the root's.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in a directory of the root")
}
