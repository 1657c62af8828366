//! What is inside the executable: a bill of materials in the form of `CycloneDX`.
//!
//! It lists the packages that Cargo compiles into `wasm-shim` and into the two components, with their versions,
//! licences and digests. Build scripts and macros run while it is built and are not in it. The packages of this
//! repository are what it is about, and not among its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{process, setup, workspace};

/// Where it is written, relative to the root. Not beside the executable, which is all that an image is made of.
pub(crate) const FILE: &str = "target/wasm-shim.cdx.json";

/// What runs on WebAssembly inside the executable.
const COMPONENTS: [&str; 2] = ["api-component", "processor-component"];

/// Writes the bill of an executable for `target`.
pub(crate) fn write(target: &str) -> Result<()> {
    let mut parts = parts_of("wasm-shim", target)?;
    for component in COMPONENTS {
        parts.extend(parts_of(component, setup::WASM_TARGET)?);
    }
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let bill = bill(&workspace::version()?, &parts, &digests(&lock)?);
    let text = serde_json::to_string_pretty(&bill)? + "\n";
    fs::write(workspace::root().join(FILE), text).with_context(|| format!("cannot write `{FILE}`"))
}

/// A package, and what it may be used under.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    licence: String,
}

/// All that a package is linked with, as Cargo resolves it for this package alone.
fn parts_of(package: &str, target: &str) -> Result<BTreeSet<Part>> {
    let mut tree = process::cargo(&["tree", "--locked", "--edges=normal,no-proc-macro"]);
    tree.args(["--package", package, "--target", target]);
    tree.args(["--prefix=none", "--format={p}|{l}"]);
    let printed = process::output(&mut tree)?;
    Ok(printed.lines().filter_map(part).collect())
}

/// A line of `cargo tree`, `name v1.2.3 (directory)|licence`, with ` (*)` if it was there before.
fn part(line: &str) -> Option<Part> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split(' ');
    // Older packages write an alternative with a slash, which SPDX does not know.
    let alternatives = licence.trim_end_matches(" (*)").split('/');
    Some(Part {
        name: words.next()?.to_owned(),
        version: words.next()?.strip_prefix('v')?.to_owned(),
        licence: alternatives.map(str::trim).collect::<Vec<_>>().join(" OR "),
    })
}

/// The digests of the packages that come from a registry, by name and version.
fn digests(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).context("cannot parse `Cargo.lock`")?;
    let digest = |package: Locked| Some(((package.name, package.version), package.checksum?));
    Ok(lock.package.into_iter().filter_map(digest).collect())
}

fn bill(
    version: &str,
    parts: &BTreeSet<Part>,
    digests: &BTreeMap<(String, String), String>,
) -> Value {
    let components = parts.iter().filter_map(|part| {
        // Without a digest it is of this repository.
        let digest = digests.get(&(part.name.clone(), part.version.clone()))?;
        let url = format!("pkg:cargo/{}@{}", part.name, part.version);
        let mut component = json!({
            "type": "library",
            "bom-ref": url,
            "name": part.name,
            "version": part.version,
            "purl": url,
            "hashes": [{"alg": "SHA-256", "content": digest}],
        });
        if !part.licence.is_empty() {
            component["licenses"] = json!([{"expression": part.licence}]);
        }
        Some(component)
    });
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "async-orders",
                "name": "async-orders",
                "version": version,
                "licenses": [{"expression": "Apache-2.0 WITH LLVM-exception"}],
            },
        },
        "components": components.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\
                        [[package]]\nname = \"theirs\"\nversion = \"1.2.3\"\nchecksum = \"abc\"\n";

    #[test]
    fn what_is_of_a_registry_is_a_part_and_what_is_ours_is_not() {
        let lines = [
            "ours v0.1.0 (/srv/ours)|MIT",
            "theirs v1.2.3|MIT / Apache-2.0",
            "theirs v1.2.3|MIT/Apache-2.0 (*)",
        ];
        let parts = lines.iter().filter_map(|line| part(line)).collect();
        let digests = digests(LOCK).expect("it is a lock file");
        let bill = bill("0.1.0", &parts, &digests);
        assert_eq!(bill["components"].as_array().map(Vec::len), Some(1));
        let found = &bill["components"][0];
        assert_eq!(found["purl"], "pkg:cargo/theirs@1.2.3");
        assert_eq!(found["hashes"][0]["content"], "abc");
        assert_eq!(found["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }

    #[test]
    fn a_line_that_names_no_package_is_left_out() {
        for line in ["", "[features]", "name 1.0.0|MIT"] {
            assert_eq!(part(line), None, "{line}");
        }
    }
}
