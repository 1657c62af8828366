//! The files of `deploy/` against the schemas of what they are for, and the proof that a wrong file is found.
//!
//! What is checked, and what is left out where its data is not there, is in `deploy/tests/`.

use anyhow::Result;

use crate::{process, setup};

const REQUIREMENTS: &str = "deploy/tests/requirements.txt";

/// The checks' own tests come first: after them, silence means something.
const SCRIPTS: [&str; 2] = ["deploy/tests/test_check.py", "deploy/tests/check.py"];

/// Checks all files, without a cloud.
pub(crate) fn run() -> Result<()> {
    let programs = setup::require_python_packages("deployment", REQUIREMENTS)?;
    let python = programs.join("python");
    for script in SCRIPTS {
        let mut command = process::command(&python.to_string_lossy());
        // Nothing is left beside the scripts, which are in the source tree.
        process::run(command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1"))?;
    }
    Ok(())
}
