//! `cargo xtask release`: the files of a release, and the tag that has them published.
//!
//! Nothing is published from here. `.github/workflows/release.yml` does that when a tag arrives, and makes its files
//! by this command with `--dry-run`, on a machine of each architecture. What only it can do is said at the end.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::wasi::Wasi;
use crate::{build, dist, javascript, process, sbom, workspace};

/// Where the files are left, relative to the root.
const DIRECTORY: &str = "target/release-files";

/// What the release says of itself, for whoever publishes it.
const NOTES: &str = "notes.md";

const CHECKSUMS: &str = "SHA256SUMS";

/// What a release is to be.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the files in `target/release-files`, and make no tag
    #[arg(long)]
    dry_run: bool,
    /// The tag that the files are for; it must be the version with `v` before it
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
}

/// Makes the files, and the tag unless it is a dry run.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let version = workspace::version()?;
    let tag = format!("v{version}");
    if let Some(given) = &arguments.tag {
        ensure!(
            *given == tag,
            "expected the tag `{tag}`, as `Cargo.toml` has the version `{version}`, found `{given}`"
        );
    }
    let clients = version_of_client()?;
    ensure!(
        clients == version,
        "expected `clients/js/package.json` to have the version `{version}`, found `{clients}`"
    );
    let changelog = fs::read_to_string(workspace::root().join("CHANGELOG.md"))?;
    let notes = match notes(&changelog, &version) {
        Some(notes) => notes,
        None if arguments.dry_run => notes_of_unreleased(&changelog)?,
        None => bail!("expected `CHANGELOG.md` to have a heading `## {version}`"),
    };
    if !arguments.dry_run {
        require_clean()?;
    }
    let directory = files(&version)?;
    fs::write(directory.join(NOTES), notes)?;
    report(&directory)?;
    if arguments.dry_run {
        println!(
            "\nNot done here: the images, which take a registry; the other architecture, which takes such a \
             machine; attestations, which take an identity of the forge; publishing."
        );
        return Ok(());
    }
    let message = format!("Release {version}");
    process::run(process::command("git").args(["tag", "--annotate", "--message", &message, &tag]))?;
    println!("\nNext:\n  git push origin {tag}");
    Ok(())
}

/// The name that container registries have for this processor.
fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Makes all files, and returns where they are.
fn files(version: &str) -> Result<PathBuf> {
    let directory = workspace::root().join(DIRECTORY);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let of = |rest: &str| directory.join(format!("async-orders-{version}-{rest}"));
    let platform = format!("linux-{}", architecture());

    dist::run()?;
    let mut executable = archive(&of(&format!("{platform}.tar.gz")));
    process::run(executable.args([
        "--directory=target/dist",
        "wasm-shim",
        "--directory=../..",
        "LICENSE",
    ]))?;
    fs::copy(
        workspace::root().join(sbom::FILE),
        of(&format!("{platform}.cdx.json")),
    )?;

    let mut components = archive(&of("components.tar.gz"));
    components.args(["LICENSE", "deploy/aks/split/processor.spin.toml"]);
    for wasi in [Wasi::V03, Wasi::V02] {
        components.arg(wasi.manifest());
        let manifest = build::components(wasi)?;
        components.args(
            manifest
                .component
                .into_values()
                .map(|component| component.source),
        );
    }
    process::run(&mut components)?;

    javascript::pack(&directory)?;
    checksums(&directory)?;
    Ok(directory)
}

/// `tar`, about to write an archive of files that are named from the root.
fn archive(path: &Path) -> Command {
    let mut tar = process::command("tar");
    // Of nobody, and not of whoever built it.
    tar.args([
        "--create",
        "--gzip",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
    ]);
    tar.arg("--file").arg(path);
    tar
}

fn checksums(directory: &Path) -> Result<()> {
    let mut sums = process::command("sha256sum");
    sums.current_dir(directory).arg("--");
    sums.args(names(directory)?);
    let printed = process::output(&mut sums)?;
    fs::write(directory.join(CHECKSUMS), printed)?;
    Ok(())
}

/// The names of the files of a directory, in order.
fn names(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn report(directory: &Path) -> Result<()> {
    for name in names(directory)? {
        build::report(&Path::new(DIRECTORY).join(name))?;
    }
    Ok(())
}

fn version_of_client() -> Result<String> {
    #[derive(Deserialize)]
    struct Package {
        version: String,
    }
    let text = fs::read_to_string(workspace::root().join("clients/js/package.json"))?;
    let package: Package =
        serde_json::from_str(&text).context("cannot parse `clients/js/package.json`")?;
    Ok(package.version)
}

/// What the changelog says below a heading, up to the next.
fn notes(changelog: &str, heading: &str) -> Option<String> {
    let is_it = |line: &&str| {
        let title = line.strip_prefix("## ");
        // A date may follow.
        title.is_some_and(|title| title.split(' ').next() == Some(heading))
    };
    let mut lines = changelog.lines();
    lines.by_ref().find(is_it)?;
    let section: Vec<_> = lines.take_while(|line| !line.starts_with("## ")).collect();
    Some(section.join("\n").trim().to_owned() + "\n")
}

fn notes_of_unreleased(changelog: &str) -> Result<String> {
    notes(changelog, "Unreleased")
        .context("expected `CHANGELOG.md` to have a heading `## Unreleased`")
}

fn require_clean() -> Result<()> {
    let changed = process::output(process::command("git").args(["status", "--porcelain"]))?;
    ensure!(
        changed.is_empty(),
        "expected nothing that is not committed, found:\n{changed}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_what_stands_between_two_headings() {
        let changelog = "# Changelog\n\n## 0.2.0 (2026-12-01)\n\nNew.\n\n### Added\n\n- This.\n\n## 0.1.0\n\nFirst.\n";
        let of = |version| notes(changelog, version);
        assert_eq!(
            of("0.2.0").as_deref(),
            Some("New.\n\n### Added\n\n- This.\n")
        );
        assert_eq!(of("0.1.0").as_deref(), Some("First.\n"));
        assert_eq!(of("0.2"), None);
        assert!(notes_of_unreleased(changelog).is_err());
    }
}
