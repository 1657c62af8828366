//! The executable: arguments in, exit code out. Everything else is in the library.

use clap::Parser as _;
use mimalloc::MiMalloc;
use std::process::ExitCode;
use wasm_shim::Cli;

/// A request makes some hundred small allocations on whichever thread it meets; the system's
/// allocator takes a tenth of its time, and in a static executable far more.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    wasm_shim::init_logging();
    wasm_shim::run(cli.command)
}
