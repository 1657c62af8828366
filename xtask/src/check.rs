//! `cargo xtask check`: what CI runs, and nothing else does.
//!
//! The steps run in order, what is quick first, and the first failure ends them. The summary
//! says how long each took, what was left out and what was not reached. Native code is static in all of
//! them, as it is where it is deployed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::wasi::Wasi;
use crate::{
    build, deployment, dist, examples, javascript, native, process, schemathesis, setup, test, tidy,
};

/// A step's name, and what it does; it may return a sentence on what it left out.
type Step = (&'static str, fn() -> Result<Option<&'static str>>);

const STEPS: &[Step] = &[
    ("format", format),
    ("tidy", || tidy::run().map(|()| None)),
    ("lints", lints),
    ("lints of the components", lints_of_components),
    ("deployment files", || deployment::run().map(|()| None)),
    ("build", || build::run(Wasi::V03).map(|()| None)),
    ("build for WASI 0.2", || {
        build::components(Wasi::V02).map(|_| None)
    }),
    ("examples", || examples::run().map(|()| None)),
    ("tests", || test::run_built(None).map(|()| None)),
    ("tests on WASI 0.2", || {
        test::run_built_wasi02().map(|()| None)
    }),
    ("contract", || schemathesis::run().map(|()| None)),
    ("client and page", || javascript::run().map(|()| None)),
    ("one executable", || dist::run_built().map(|()| None)),
    ("documentation", documentation),
    ("dependencies", dependencies),
];

/// The packages that are for Wasm, where code may differ.
const WASM_PACKAGES: [&str; 7] = [
    "api",
    "api-component",
    "guest",
    "orders",
    "processor",
    "processor-component",
    "work",
];

const RUSTDOCFLAGS: &str = "-D warnings -A rustdoc::private-intra-doc-links";

const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";

/// Runs all steps.
pub(crate) fn run() -> Result<()> {
    setup::require_musl(&native::static_target())?;
    native::build_static();
    let mut summary = Vec::new();
    let mut outcome = Ok(());
    let mut steps = STEPS.iter();
    for (name, step) in steps.by_ref() {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = step().with_context(|| format!("`{name}` failed"));
        summary.push(row(name, start.elapsed(), &result));
        if let Err(error) = result {
            outcome = Err(error);
            break;
        }
    }
    summary.extend(steps.map(|(name, _)| format!("       -  not run  {name}")));
    eprintln!("\n== summary\n{}", summary.join("\n"));
    outcome
}

fn row(name: &str, elapsed: Duration, result: &Result<Option<&str>>) -> String {
    let (word, note) = match result {
        Ok(None) => ("ok", String::new()),
        Ok(Some(left_out)) => ("ok", format!("; {left_out}")),
        Err(_) => ("failed", String::new()),
    };
    format!("{:>6.1} s  {word:<7}  {name}{note}", elapsed.as_secs_f64())
}

fn format() -> Result<Option<&'static str>> {
    setup::require_rustfmt_and_clippy()?;
    process::run(&mut process::cargo(&["fmt", "--all", "--check"]))?;
    Ok(None)
}

fn lints() -> Result<Option<&'static str>> {
    // The components too, as their unit tests run natively. In the release profile, so that the
    // build uses the same build scripts and macros again.
    let mut clippy = process::cargo(&["clippy", "--release", "--workspace", "--all-targets"]);
    process::run(clippy.args(["--", "-D", "warnings"]))?;
    Ok(None)
}

fn lints_of_components() -> Result<Option<&'static str>> {
    setup::require_wasm_target()?;
    for features in [&[][..], &["--no-default-features", "--features=wasi02"]] {
        let mut clippy = process::cargo(&["clippy", "--release", "--target", setup::WASM_TARGET]);
        clippy.args(WASM_PACKAGES.map(|name| format!("--package={name}")));
        process::run(clippy.args(features).args(["--", "-D", "warnings"]))?;
    }
    Ok(None)
}

fn documentation() -> Result<Option<&'static str>> {
    // Private items too, and links to them: these crates are read, not published.
    let mut doc = process::cargo(&["doc", "--release", "--workspace", "--no-deps"]);
    doc.arg("--document-private-items");
    process::run(doc.env("RUSTDOCFLAGS", RUSTDOCFLAGS))?;
    Ok(None)
}

fn dependencies() -> Result<Option<&'static str>> {
    let deny = setup::require_cargo_deny()?;
    let mut check = process::command(&deny.to_string_lossy());
    check.args(["check", "licenses", "bans", "sources"]);
    // The one check that needs more than a package registry.
    let reachable = process::succeeds(
        process::command("timeout")
            .args(["20", "git", "ls-remote", ADVISORIES, "HEAD"])
            .env("GIT_TERMINAL_PROMPT", "0"),
    );
    if reachable {
        check.arg("advisories");
    }
    process::run(&mut check)?;
    Ok((!reachable).then_some("advisories skipped, as their database cannot be reached from here"))
}
