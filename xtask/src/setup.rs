//! What a fresh machine lacks. Each function is silent and quick where nothing is missing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// The target that components are built for.
pub(crate) const WASM_TARGET: &str = "wasm32-wasip2";

/// Fixed, so that a release of the checker cannot change what passes.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// The standard library for [`WASM_TARGET`], in the toolchain that runs.
pub(crate) fn require_wasm_target() -> Result<()> {
    require_target(WASM_TARGET)
}

fn require_target(target: &str) -> Result<()> {
    let mut rustc = process::command("rustc");
    let directory = process::output(rustc.args(["--print=target-libdir", "--target", target]))?;
    if Path::new(directory.trim()).is_dir() {
        return Ok(());
    }
    // Not left to `rust-toolchain.toml`, which adds nothing where rustup may not install by itself.
    process::run(process::command("rustup").args(["target", "add", target]))
}

/// The standard library for `target`, and a C compiler, for executables that need no other file.
pub(crate) fn require_musl(target: &str) -> Result<()> {
    require_target(target)?;
    require_program("musl-gcc", "musl-tools")
}

/// The toolchain's `rustfmt` and `clippy`.
pub(crate) fn require_rustfmt_and_clippy() -> Result<()> {
    let has = |command| process::succeeds(&mut process::cargo(&[command, "--version"]));
    if has("fmt") && has("clippy") {
        return Ok(());
    }
    process::run(process::command("rustup").args(["component", "add", "rustfmt", "clippy"]))
}

/// A program that comes from a Debian package.
pub(crate) fn require_program(program: &str, package: &str) -> Result<()> {
    if on_path(program) {
        return Ok(());
    }
    install_debian_package(package, &format!("`{program}`"))
}

/// The server that the tests, the proof and the benchmarks start for themselves.
pub(crate) fn require_redis() -> Result<()> {
    require_program("redis-server", "redis-server")
}

/// The server that one of the benchmarks starts for itself. Debian leaves its programs out of the
/// PATH, in a directory for each version.
pub(crate) fn require_postgresql() -> Result<()> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut programs = versions.flatten().map(|it| it.path().join("bin/initdb"));
    if programs.any(|path| path.is_file()) || on_path("initdb") {
        return Ok(());
    }
    install_debian_package("postgresql", "PostgreSQL")
}

/// A Python package from the machine's own index, in an environment of its own; returns where its
/// programs are.
pub(crate) fn require_python_package(name: &str, version: &str) -> Result<PathBuf> {
    let requirement = format!("{name}=={version}");
    require_python_environment(name, &requirement, &[&requirement])
}

/// The Python packages that a file names with their versions and digests, in an environment of this
/// name; returns where its programs are.
pub(crate) fn require_python_packages(name: &str, file: &str) -> Result<PathBuf> {
    let requirements = fs::read_to_string(workspace::root().join(file))
        .with_context(|| format!("cannot read `{file}`"))?;
    let arguments = ["--require-hashes", "--requirement", file];
    require_python_environment(name, &requirements, &arguments)
}

/// An environment below `target/python`, made anew if it was not made of these requirements.
fn require_python_environment(
    name: &str,
    requirements: &str,
    arguments: &[&str],
) -> Result<PathBuf> {
    let environment = workspace::root().join("target/python").join(name);
    let programs = environment.join("bin");
    // Written last, so that what broke off is not taken for whole.
    let installed = environment.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == requirements) {
        return Ok(programs);
    }
    require_program("python3", "python3")?;
    // Debian has it in a package of its own.
    let has_environments = ["-c", "import ensurepip, venv"];
    if !process::succeeds(process::command("python3").args(has_environments)) {
        install_debian_package("python3-venv", "Python's `venv`")?;
    }
    let mut venv = process::command("python3");
    process::run(venv.args(["-m", "venv", "--clear"]).arg(&environment))?;
    let mut pip = process::command(&programs.join("pip").to_string_lossy());
    process::run(pip.args(["install", "--quiet"]).args(arguments))?;
    fs::write(&installed, requirements)?;
    Ok(programs)
}

fn install_debian_package(package: &str, missing: &str) -> Result<()> {
    let Some(prefix) = prefix_for_root().filter(|_| on_path("apt-get")) else {
        bail!("cannot find {missing}; on Debian, `sudo apt-get install {package}` installs it");
    };
    let apt_get = |arguments: &[&str]| {
        let words = [
            prefix,
            &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
            arguments,
        ]
        .concat();
        process::run(process::command(words[0]).args(&words[1..]))
    };
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", package])
}

/// What goes before a command that root is to run; none if that would ask for a password.
fn prefix_for_root() -> Option<&'static [&'static str]> {
    let id = process::output(process::command("id").arg("-u")).ok()?;
    if id.trim() == "0" {
        return Some(&[]);
    }
    process::succeeds(process::command("sudo").args(["-n", "true"])).then_some(&["sudo", "-n"])
}

/// `cargo-deny`, in `target/tools`; returns its path.
pub(crate) fn require_cargo_deny() -> Result<PathBuf> {
    let tools = workspace::root().join("target/tools");
    let program = tools.join("bin/cargo-deny");
    let version = process::command(&program.to_string_lossy())
        .arg("--version")
        .output();
    let expected = format!("cargo-deny {CARGO_DENY_VERSION}\n");
    if version.is_ok_and(|output| output.stdout == expected.as_bytes()) {
        return Ok(program);
    }
    let mut cargo = process::cargo(&["install", "--locked", "--force", "--root"]);
    cargo.arg(&tools).args(["--version", CARGO_DENY_VERSION]);
    // Without optimisation it takes a fraction of the time to build, and two seconds to check.
    cargo.args(["--debug", "--no-default-features", "cargo-deny"]);
    process::run(cargo.env_remove("CARGO_BUILD_TARGET"))?;
    Ok(program)
}

fn on_path(program: &str) -> bool {
    process::succeeds(process::command("sh").args(["-c", "command -v -- \"$0\"", program]))
}
