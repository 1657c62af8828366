//! The versions of what is compared.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::postgres::program_path;
use crate::baseline::{installed, node};
use crate::machine::printed_by;

/// What of the packages is compared, or carries what is.
const PACKAGES: [&str; 6] = [
    "@restatedev/restate-sdk",
    "@restatedev/restate-server",
    "bullmq",
    "fastify",
    "pg-boss",
    "redis",
];

/// Each by its name; what cannot be told is left out.
pub fn versions() -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for package in PACKAGES {
        let manifest = installed().join(format!("node_modules/{package}/package.json"));
        let manifest = fs::read(manifest).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        if let Some(version) = manifest["version"].as_str() {
            versions.insert(package.to_owned(), version.to_owned());
        }
    }
    let node = node("--version")
        .get_program()
        .to_string_lossy()
        .into_owned();
    let postgres = program_path("postgres").unwrap_or_default();
    let programs = [
        ("node", [&*node, "--version"]),
        ("redis-server", ["redis-server", "--version"]),
        ("postgres", [&*postgres.to_string_lossy(), "--version"]),
        ("rustc", ["rustc", "--version"]),
    ];
    for (name, command) in programs {
        // Such as `Redis server v=7.0.15 sha=…`, and `postgres (PostgreSQL) 15.18 (Debian …)`.
        let printed = printed_by(&command);
        let version = printed
            .split([' ', '='])
            .map(|word| word.trim_start_matches('v'))
            .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(version) = version {
            versions.insert(name.to_owned(), version.to_owned());
        }
    }
    versions
}
