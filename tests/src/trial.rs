//! Tests as table rows, and how a table is run.
//!
//! libtest cannot skip a test for a reason that is known only when it runs, and a test that
//! makes no sense on a host must not pass silently. So these tests run under libtest-mimic,
//! which takes the same arguments and prints the same closing line.

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::HostKind;
use crate::context::Context;
use crate::host;

/// How many tests run at once. They wait far more than they compute, so more than there are cores.
const THREADS: usize = 8;

/// One test: a sentence about behaviour, and a function that panics if it is false.
#[derive(Clone, Copy)]
pub struct Test {
    /// The sentence, as the function's name.
    pub name: &'static str,
    /// The function.
    pub check: fn(),
    /// Why the test makes no sense on Spin, if it makes none.
    pub shim_only: Option<&'static str>,
}

/// Makes a table of [`Test`]s from the names of functions.
///
/// `shim_only "reason" name` marks a test that is skipped, by name and with the reason, on Spin.
#[macro_export]
macro_rules! tests {
    ($($($reason:literal: )? $name:ident),* $(,)?) => {
        &[$($crate::Test {
            name: stringify!($name),
            check: $name,
            shim_only: $crate::tests!(@ $($reason)?),
        }),*]
    };
    (@) => { None };
    (@ $reason:literal) => { Some($reason) };
}

/// Runs the tests of all `modules` that the command line's arguments choose.
pub fn run(modules: &[(&str, &[Test])]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let kind = match HostKind::from_environment() {
        Ok(kind) => kind,
        Err(error) => return refuse(&error),
    };
    if !arguments.list {
        if let Err(error) = kind.check() {
            return refuse(&error);
        }
        println!("host: {}", kind.name());
    }
    panic::set_hook(Box::new(note_panic));
    let trials = modules
        .iter()
        .flat_map(|(module, tests)| tests.iter().map(|test| trial(module, *test, kind)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    host::stop_shared();
    conclusion.exit_code()
}

fn trial(module: &str, test: Test, kind: HostKind) -> Trial {
    Trial::ignorable_test(format!("{module}::{}", test.name), move || {
        match test.shim_only {
            Some(reason) if kind != HostKind::Shim => Ok(Completion::ignored_with(reason)),
            _ => {
                Context::run(test.check)?;
                Ok(Completion::Completed)
            }
        }
    })
}

/// Keeps a panic for its test's report instead of printing it between the lines of others.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("panicked");
    let place = panic
        .location()
        .map_or_else(String::new, |location| format!("{location}: "));
    Context::note_panic(format!("{place}{message}"));
}

fn refuse(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(101)
}
