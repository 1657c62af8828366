//! What the processor says of its variables: an order that cannot be worked on is not accepted.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use guest::{HttpRequest, VariableFault};
use protocol::Timestamp;
use serde::Deserialize;

use crate::problem::{MISCONFIGURED, Problem};

/// How long the answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How long to leave it after no answer came, in milliseconds.
const ASK_AGAIN_MS: u64 = 5_000;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Whether it has said that all is well. Variables are for as long as an instance.
    static IS_WELL: Cell<bool> = const { Cell::new(false) };
    /// When to ask again, if it has not.
    static NEXT_AT: Cell<Timestamp> = const { Cell::new(Timestamp::from_unix_ms(0)) };
}

/// Refuses to go on if the processor at `url` says that it cannot work.
///
/// # Errors
/// With what is wrong with its variables.
pub async fn check(url: &str) -> Result<(), Problem> {
    let faults = faults(url).await;
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::misconfigured(faults))
    }
}

/// What is wrong with the variables of the processor at `url`. It is asked until it is well.
///
/// A processor that does not answer is no fault: the order is durable, and waits for it.
pub async fn faults(url: &str) -> Vec<VariableFault> {
    if IS_WELL.get() || guest::now() < NEXT_AT.get() {
        return Vec::new();
    }
    let asked = pin!(ask(url));
    let answer = match select(asked, pin!(guest::sleep(ANSWER_MAX))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err("no answer came in time".to_owned()),
    };
    match answer {
        Ok(faults) => {
            IS_WELL.set(faults.is_empty());
            faults
        }
        Err(error) => {
            NEXT_AT.set(guest::now().plus_ms(ASK_AGAIN_MS));
            eprintln!("the processor does not say whether it can work: {error}");
            Vec::new()
        }
    }
}

async fn ask(url: &str) -> Result<Vec<VariableFault>, String> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        faults: Vec<VariableFault>,
    }
    let response = HttpRequest::get(format!("{url}/configz")).send().await?;
    // An older one does not know the question.
    if response.status() != MISCONFIGURED {
        return Ok(Vec::new());
    }
    let body = response.body(ANSWER_BYTES_MAX).await;
    let body = body.map_err(|error| format!("{error:?}"))?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|error| format!("the answer is no problem document: {error}"))?;
    Ok(answer.faults)
}
