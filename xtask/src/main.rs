//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! This file is the table of them; each is in the file of its name. They run on Unix, take
//! nothing but rustup for granted, and install what they need ([`setup`]).

mod bench;
mod build;
mod check;
mod deployment;
mod dist;
mod examples;
mod host;
mod javascript;
mod native;
mod new;
mod packages;
mod process;
mod prove;
mod release;
mod sbom;
mod schemathesis;
mod setup;
mod test;
mod tidy;
mod up;
mod wasi;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use wasi::Wasi;

/// The commands of this project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Command {
    /// Build everything and serve on 127.0.0.1:3000
    Up {
        /// Arguments for `wasm-shim up`, after `--`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Build the shim and both components in the release profile
    Build {
        /// The WASI that the components are built for
        #[arg(long, value_name = "VERSION", default_value = "0.3")]
        wasi: Wasi,
    },
    /// Run all tests; `ORDERS_HOST=spin` runs the black-box tests on Spin, `ORDERS_WASI=0.2` on
    /// components of WASI 0.2
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Prove at length that nothing accepted is lost: kills, faults, and every interleaving
    Prove,
    /// Run all benchmarks, or one; each prints a ratio to a baseline
    Bench(bench::Arguments),
    /// Make one static executable with the app inside, and see that it serves
    Dist,
    /// Make the files of a release, and the tag that has them published
    Release(release::Arguments),
    /// Make a project of one's own: an app, its components, and what it takes to build and serve them
    New(new::Arguments),
    /// Make, test and build the apps in `examples/`, each as a project of its own
    Examples,
    /// Make anew what is made from the app: the client's copy of the service's document, and its types
    Generate,
    /// Run everything that CI runs
    Check,
    /// Hold the house rules that no other tool holds
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Up { args } => up::run(&args),
        Command::Build { wasi } => build::run(wasi),
        Command::Test { filter } => test::run(filter.as_deref()),
        Command::Prove => prove::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Dist => dist::run(),
        Command::Release(arguments) => release::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Examples => examples::run(),
        Command::Generate => javascript::generate(),
        Command::Check => check::run(),
        Command::Tidy => tidy::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
