//! The executable: arguments in, exit code out. Everything else is in the library.

use clap::Parser as _;
use std::process::ExitCode;
use wasm_shim::Cli;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    wasm_shim::init_logging();
    wasm_shim::run(cli.command)
}
