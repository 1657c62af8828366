//! The contract against a live host, by the requests that schemathesis makes up from its document:
//! valid ones, invalid ones, and sequences of them.
//!
//! What is checked, how often, and what is left out is in `tests/schemathesis/`.

use anyhow::Result;

use crate::host::Host;
use crate::{process, setup};

/// Fixed, so that a release of the checker cannot change what passes.
const VERSION: &str = "4.32.5";

const CONFIG: &str = "tests/schemathesis/schemathesis.toml";

/// Orders end soon, and waits too, so that no request takes long.
const VARIABLES: [&str; 2] = ["simulate_max_ms=200", "max_wait_seconds=1"];

/// Tests a host that serves without tokens.
pub(crate) fn run() -> Result<()> {
    let programs = setup::require_python_package("schemathesis", VERSION)?;
    let host = Host::start(&VARIABLES)?;
    let program = programs.join("schemathesis");
    let mut schemathesis = process::command(&program.to_string_lossy());
    schemathesis
        .args(["--config-file", CONFIG, "run"])
        .arg(format!("{}/openapi.json", host.url));
    // Nothing is left beside the hooks, which are in the source tree.
    process::run(schemathesis.env("PYTHONDONTWRITEBYTECODE", "1"))
}
