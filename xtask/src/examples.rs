//! The apps that are not orders: each is made into a project of its own by `cargo xtask new`, and tested
//! and built as its README says. Black-box tests then drive them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{new, process, setup, workspace};

/// Where the projects go, below the root. Tests find them there.
const PROJECTS: &str = "target/examples";

/// Each project, its collection, and where its app is; without one it has the template's.
const EXAMPLES: [(&str, &str, Option<&str>); 3] = [
    ("template", "notes", None),
    ("reports", "reports", Some("examples/reports")),
    ("media", "jobs", Some("examples/media")),
];

/// Makes, tests and builds them all.
pub(crate) fn run() -> Result<()> {
    setup::require_wasm_target()?;
    for (project, collection, app) in EXAMPLES {
        let directory = workspace::root().join(PROJECTS).join(project);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove `{}`", directory.display()))?;
        }
        new::run(&new::Arguments::of_example(
            directory.clone(),
            collection,
            app.map(|app| workspace::root().join(app)),
        ))?;
        // The versions that are checked, and not those that came out since.
        fs::copy(
            workspace::root().join("Cargo.lock"),
            directory.join("Cargo.lock"),
        )?;
        // Together, as they are the same but for the app.
        let target: PathBuf = workspace::root().join(PROJECTS).join("target");
        for arguments in [
            &["test"][..],
            &[
                "build",
                "--release",
                "--target",
                setup::WASM_TARGET,
                "--package",
                "api-component",
                "--package",
                "processor-component",
            ],
        ] {
            let mut cargo = process::cargo(arguments);
            process::run(
                cargo
                    .current_dir(&directory)
                    .env("CARGO_TARGET_DIR", &target),
            )?;
        }
        // Where the manifest has them.
        let built = target.join(setup::WASM_TARGET).join("release");
        let own = directory
            .join("target")
            .join(setup::WASM_TARGET)
            .join("release");
        fs::create_dir_all(&own)?;
        for component in ["api_component.wasm", "processor_component.wasm"] {
            fs::copy(built.join(component), own.join(component))?;
        }
    }
    Ok(())
}
