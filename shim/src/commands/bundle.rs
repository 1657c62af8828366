//! `wasm-shim bundle`: writes a copy of this executable with an app inside.

use crate::bundle;
use crate::cli::{AppArgs, BundleArgs};
use crate::config::{self, App};
use crate::fault::{Fault, misuse, refuse};
use host::Source;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

pub(crate) fn run(arguments: &BundleArgs) -> ExitCode {
    match write(&arguments.from, &arguments.output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::App(faults)) => refuse(&faults),
        Err(Error::Wasmtime(error)) => misuse(&format!(
            "a component cannot be compiled: {error:#}; run `cargo xtask build`"
        )),
        Err(Error::Io(error)) => misuse(&format!(
            "cannot write `{}`: {error}; name another file",
            arguments.output.display()
        )),
    }
}

enum Error {
    App(Vec<Fault>),
    Wasmtime(wasmtime::Error),
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn write(from: &Path, output: &Path) -> Result<(), Error> {
    let from = config::manifest_path(from);
    // Its faults are better told here than where the executable is run.
    let app = App::load(&AppArgs {
        from: Some(from.clone()),
        ..AppArgs::default()
    })
    .map_err(Error::App)?;
    let manifest = fs::read(&from)?;
    let mut components = Vec::new();
    for (id, component) in &app.components {
        // OK because it was loaded from files.
        if let Source::File(path) = &component.source {
            let compiled = host::precompile(&fs::read(path)?).map_err(Error::Wasmtime)?;
            components.push((id.as_str(), compiled));
        }
    }
    Ok(bundle::write(&manifest, components, output)?)
}
