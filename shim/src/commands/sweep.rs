//! `wasm-shim sweep`: runs one sweep, and the attempts of the orders that it finds.

use crate::cli::AppArgs;
use crate::config::App;
use crate::fault::{misuse, refuse};
use crate::runtime::Runtimes;
use crate::start::{Scope, Started, start};
use std::io::Write as _;
use std::process::ExitCode;

pub(crate) fn run(arguments: &AppArgs) -> ExitCode {
    let app = match App::load(arguments) {
        Ok(app) => app,
        Err(faults) => return refuse(&faults),
    };
    let runtimes = match Runtimes::new() {
        Ok(runtimes) => runtimes,
        Err(error) => {
            return misuse(&format!(
                "cannot start threads: {error}; raise the limit on processes"
            ));
        }
    };
    let Started {
        stores,
        sweeper,
        dispatcher,
        ..
    } = match start(&app, &runtimes, Scope::Sweep) {
        Ok(started) => started,
        Err(faults) => return refuse(&faults),
    };
    let code = runtimes.working.block_on(async {
        // OK because a start for this scope fails without the component.
        let sweeper = sweeper.expect("the app has a processor");
        let swept = sweeper.sweep_and_expire().await;
        if let Some(dispatcher) = dispatcher {
            // Having taken the turn, it sees to what it found.
            dispatcher.quiet().await;
        }
        stores.close().await;
        match swept {
            Ok((is_success, text)) => {
                let printed = std::io::stdout().write_all(&[&text[..], b"\n"].concat());
                ExitCode::from(u8::from(!is_success || printed.is_err()))
            }
            Err(failure) => {
                tracing::error!(error = failure.to_string(), "the sweep failed");
                ExitCode::FAILURE
            }
        }
    });
    runtimes.shut_down();
    code
}
