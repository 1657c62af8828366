//! The JavaScript client and the page: their types, and their tests against a live host.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

use crate::host::Host;
use crate::wasi::Wasi;
use crate::{build, process, setup, workspace};

/// The two packages: the folder of each, and its name below `target/npm`.
const PACKAGES: [(&str, &str); 2] = [("clients/js", "client"), ("web", "web")];

/// Makes anew what is made from the service's own document: the copy of it that the client keeps, and
/// the client's types.
pub(crate) fn generate() -> Result<()> {
    setup::require_program("node", "nodejs")?;
    setup::require_program("npm", "npm")?;
    build::run(Wasi::default())?;
    let (folder, name) = PACKAGES[0];
    let modules = install(folder, name)?;
    let host = Host::start(&[])?;
    let mut types = process::command("node");
    types.args(["clients/js/scripts/generate-types.js", "--from"]);
    types.arg(format!("{}/openapi.json", host.url));
    process::run(types.env("NODE_PATH", modules))
}

/// Checks the types and runs the tests of both.
pub(crate) fn run() -> Result<()> {
    setup::require_program("node", "nodejs")?;
    setup::require_program("npm", "npm")?;
    setup::require_program("chromium", "chromium")?;
    for (folder, name) in PACKAGES {
        let modules = install(folder, name)?;
        let tsc = modules.join(".bin/tsc");
        process::run(process::command(&tsc.to_string_lossy()).args(["--project", folder]))?;
    }
    let mut types = process::command("node");
    types.args(["clients/js/scripts/generate-types.js", "--check"]);
    process::run(types.env("NODE_PATH", modules("client")))?;
    let host = Host::start(&["simulate_controls=true", "simulate_max_ms=2000"])?;
    for (folder, name) in PACKAGES {
        let mut node = process::command("node");
        // One file at a time: each drives a browser or counts what it alone causes.
        node.args(["--test", "--test-concurrency=1"])
            .args(tests(folder)?);
        node.env("ORDERS_URL", &host.url)
            .env("NODE_PATH", modules(name));
        process::run(&mut node)?;
    }
    Ok(())
}

/// Leaves the client's package in `directory`, as it would be published.
pub(crate) fn pack(directory: &Path) -> Result<()> {
    setup::require_program("node", "nodejs")?;
    setup::require_program("npm", "npm")?;
    let (folder, name) = PACKAGES[0];
    let modules = install(folder, name)?;
    // What it is made by is installed outside the source tree.
    let path = env::var_os("PATH").unwrap_or_default();
    let programs = [modules.join(".bin")].into_iter();
    let path = env::join_paths(programs.chain(env::split_paths(&path)))?;
    let mut npm = process::command("npm");
    npm.args(["pack", "--pack-destination"]).arg(directory);
    npm.current_dir(workspace::root().join(folder));
    process::run(npm.env("PATH", path).env("NODE_PATH", modules))
}

/// Installs what a package's tests need, outside the source tree; returns where.
fn install(folder: &str, name: &str) -> Result<PathBuf> {
    let (source, target) = (workspace::root().join(folder), directory(name));
    fs::create_dir_all(&target)?;
    let lock = "package-lock.json";
    let fresh = fs::read(source.join(lock))? == fs::read(target.join(lock)).unwrap_or_default();
    if fresh && modules(name).is_dir() {
        return Ok(modules(name));
    }
    for file in ["package.json", lock, ".npmrc"] {
        fs::copy(source.join(file), target.join(file))
            .with_context(|| format!("cannot copy `{folder}/{file}`"))?;
    }
    let prefix = target.to_string_lossy().into_owned();
    process::run(process::command("npm").args(["ci", "--ignore-scripts", "--prefix", &prefix]))?;
    Ok(modules(name))
}

/// The test files of a package, named one by one: versions of Node differ in what a folder means.
fn tests(folder: &str) -> Result<Vec<PathBuf>> {
    let mut tests = Vec::new();
    for entry in fs::read_dir(workspace::root().join(folder).join("tests"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            tests.push(path);
        }
    }
    tests.sort();
    anyhow::ensure!(!tests.is_empty(), "`{folder}/tests` has no tests");
    Ok(tests)
}

fn directory(name: &str) -> PathBuf {
    workspace::root().join("target/npm").join(name)
}

fn modules(name: &str) -> PathBuf {
    directory(name).join("node_modules")
}
