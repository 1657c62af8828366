//! The commands, each from its arguments to an exit code.

mod bundle;
mod health;
mod job;
mod sweep;
mod up;

use crate::cli::Command;
use crate::stop::Signals;
use std::process::ExitCode;

/// Runs one command to its end, or until one of `signals` stops it, and returns what the process
/// exits with.
pub fn run(command: Command, signals: Signals) -> ExitCode {
    // One provider for all TLS of the process. OK to ignore: it fails where one is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A service that is told to stop has done well; a task has not done what it was to do.
    signals.end_with(matches!(command, Command::Up(_)).then_some(0));
    match command {
        Command::Up(arguments) => up::run(&arguments, signals),
        Command::Job(arguments) => job::run(&arguments, signals),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Health { url } => health::run(&url),
    }
}
