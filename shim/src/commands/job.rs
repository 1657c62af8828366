//! `wasm-shim job`: works on one order and tells by its exit code what came of it.

use crate::cli::JobArgs;
use crate::config::App;
use crate::fault::{misuse, refuse};
use crate::order::{Answer, Processor, Settled};
use crate::runtime::Runtimes;
use crate::start::{Scope, Started, start};
use crate::stop::Signals;
use http::StatusCode;
use std::process::ExitCode;
use uuid::Uuid;

/// The order did not settle completed.
const NOT_COMPLETED: u8 = 1;
/// The order is not there, or somebody else has it, or it is settled already.
const NOT_CLAIMED: u8 = 3;

pub(crate) fn run(arguments: &JobArgs, signals: Signals) -> ExitCode {
    // The id becomes part of a path: nothing but an id may.
    if Uuid::try_parse(&arguments.order_id).is_err() {
        return misuse(&format!(
            "`{}` is no order id; give the id that the 202 returned with --order-id or ORDER_ID",
            arguments.order_id
        ));
    }
    let app = match App::load(&arguments.app) {
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
        processor, stores, ..
    } = match start(&app, &runtimes, Scope::Job) {
        Ok(started) => started,
        Err(faults) => return refuse(&faults),
    };
    let code = runtimes.working.block_on(async {
        // OK because a start for this scope fails without it.
        let processor = processor.expect("the app has a processor");
        let code = work(&processor, &arguments.order_id, signals).await;
        stores.close().await;
        code
    });
    runtimes.shut_down();
    ExitCode::from(code)
}

/// Works on the order; if the process is told to stop meanwhile, hands it back.
async fn work(processor: &Processor, order_id: &str, signals: Signals) -> u8 {
    let token = Uuid::new_v4();
    let attempt = processor.attempt(order_id, token, None);
    let outcome = tokio::select! {
        outcome = attempt => outcome,
        () = signals.first() => {
            if let Err(failure) = processor.release(order_id, token).await {
                tracing::warn!(order_id, error = failure.to_string(), "the order was not handed back; its lease will run out");
            }
            return NOT_COMPLETED;
        }
    };
    match outcome {
        Ok(Answer {
            status: StatusCode::OK,
            body,
            ..
        }) => settled(order_id, &body),
        Ok(Answer {
            status: status @ (StatusCode::NOT_FOUND | StatusCode::CONFLICT),
            ..
        }) => {
            tracing::info!(
                order_id,
                status = status.as_u16(),
                "the order is not there or cannot be claimed"
            );
            NOT_CLAIMED
        }
        Ok(Answer { status, .. }) => {
            tracing::error!(
                order_id,
                status = status.as_u16(),
                "the order could not be worked on"
            );
            NOT_COMPLETED
        }
        Err(failure) => {
            tracing::error!(
                order_id,
                error = failure.to_string(),
                "the order could not be worked on"
            );
            NOT_COMPLETED
        }
    }
}

fn settled(order_id: &str, body: &[u8]) -> u8 {
    match serde_json::from_slice(body) {
        Ok(Settled { status, .. }) => {
            tracing::info!(order_id, settled = status, "the attempt settled");
            if status == "completed" {
                0
            } else {
                NOT_COMPLETED
            }
        }
        Err(error) => {
            tracing::error!(
                order_id,
                error = error.to_string(),
                "the attempt's outcome cannot be read"
            );
            NOT_COMPLETED
        }
    }
}
