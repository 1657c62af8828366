//! The executable: arguments in, exit code out. Everything else is in the library.

use clap::Parser as _;
use std::process::ExitCode;
use wasm_shim::{Cli, Signals};

// A seventh of the time on glibc's goes into allocating, and far more on musl's, which has one lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before all else, so that the process can be told to stop from its beginning on.
    let signals = Signals::listen();
    let cli = Cli::parse();
    wasm_shim::init_logging();
    match signals {
        Ok(signals) => wasm_shim::run(cli.command, signals),
        Err(error) => {
            eprintln!(
                "wasm-shim: cannot listen for signals: {error}; raise the limit on processes"
            );
            ExitCode::FAILURE
        }
    }
}
