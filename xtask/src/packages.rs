//! The packages of this workspace, as Cargo tells them.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// A package of this workspace, as `cargo metadata` tells it.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package asks for in its manifest.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
}

/// The packages of this workspace.
pub(crate) fn packages() -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let mut cargo = process::cargo(&["metadata", "--no-deps", "--format-version=1"]);
    let metadata: Metadata = serde_json::from_str(&process::output(&mut cargo)?)
        .context("cannot parse what `cargo metadata` printed")?;
    Ok(metadata.packages)
}
