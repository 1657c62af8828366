//! Tests as table rows, and how a table is run.
//!
//! libtest cannot skip a test for a reason that is known only when it runs, and a test that
//! makes no sense on a host must not pass silently. So these tests run under libtest-mimic,
//! which takes the same arguments and prints the same closing line.

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::context::Context;
use crate::host;
use crate::{HostKind, Wasi};

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
    /// Why the test makes no sense on components of WASI 0.2, if it makes none.
    pub wasi03_only: Option<&'static str>,
    /// Why it makes sense on those alone, if it does.
    pub wasi02_only: Option<&'static str>,
}

/// Makes a table of [`Test`]s from the names of functions.
///
/// `"reason": name` marks a test that is skipped, by name and with the reason, on Spin;
/// `name (wasi03 "reason")` one that is skipped on components of WASI 0.2, and
/// `name [wasi02 "reason"]` one that is skipped on those of 0.3.
#[macro_export]
macro_rules! tests {
    ($(
        $($host:literal: )? $name:ident $((wasi03 $newer:literal))? $([wasi02 $older:literal])?
    ),* $(,)?) => {
        &[$($crate::Test {
            name: stringify!($name),
            check: $name,
            shim_only: $crate::tests!(@ $($host)?),
            wasi03_only: $crate::tests!(@ $($newer)?),
            wasi02_only: $crate::tests!(@ $($older)?),
        }),*]
    };
    (@) => { None };
    (@ $reason:literal) => { Some($reason) };
}

/// Runs the tests of all `modules` that the command line's arguments choose.
pub fn run(modules: &[(&str, &[Test])]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let parameters =
        HostKind::from_environment().and_then(|kind| Ok((kind, Wasi::from_environment()?)));
    let (kind, wasi) = match parameters {
        Ok(parameters) => parameters,
        Err(error) => return refuse(&error),
    };
    if !arguments.list {
        if let Err(error) = kind.check(wasi) {
            return refuse(&error);
        }
        println!("host: {}, WASI {}", kind.name(), wasi.name());
    }
    panic::set_hook(Box::new(note_panic));
    let trials = modules
        .iter()
        .flat_map(|(module, tests)| tests.iter().map(|test| trial(module, *test, kind, wasi)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    host::stop_shared();
    conclusion.exit_code()
}

fn trial(module: &str, test: Test, kind: HostKind, wasi: Wasi) -> Trial {
    Trial::ignorable_test(format!("{module}::{}", test.name), move || {
        let not_here = test.shim_only.filter(|_| kind != HostKind::Shim);
        let not_on_this = match wasi {
            Wasi::V02 => test.wasi03_only,
            Wasi::V03 => test.wasi02_only,
        };
        if let Some(reason) = not_here.or(not_on_this) {
            return Ok(Completion::ignored_with(reason));
        }
        Context::run(test.check)?;
        Ok(Completion::Completed)
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
