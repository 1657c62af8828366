//! The algorithm of the HTTP client that is published with the pattern, step by step.
//!
//! POST; read `Location`; poll it, honouring `Retry-After`; follow the redirect to the result.

use std::time::Duration;

use serde_json::Value;

use crate::{Host, Response, pause};

/// All that a client saw of one order.
pub struct Journey {
    /// The order's id.
    pub id: String,
    /// The answer to the submission.
    pub accepted: Response,
    /// The status documents, in the order in which they were read.
    pub statuses: Vec<Value>,
    /// The redirect that ended the polling.
    pub redirect: Response,
    /// What the redirect led to.
    pub result: Response,
}

/// Submits an order and stays with it until its result.
pub fn journey(host: &Host, order: &str) -> Journey {
    let accepted = host.submit(order).send();
    let document = accepted.expect_json(202);
    let id = document["id"]
        .as_str()
        .expect("a status document has an id")
        .to_owned();
    let location = accepted.header("location").expect("a 202 has a location");
    pause(
        Duration::from_secs(retry_after_seconds(&accepted)),
        "an order",
    );
    let (statuses, redirect) = poll_to_the_end(host, location);
    let target = redirect.header("location").expect("a 303 has a location");
    let result = host.get(target).send();
    Journey {
        id,
        accepted,
        statuses,
        redirect,
        result,
    }
}

/// Polls a status as the answers' `Retry-After` asks for, until one is not `200`.
///
/// Returns the documents and the answer that ended it.
pub fn poll_to_the_end(host: &Host, status_path: &str) -> (Vec<Value>, Response) {
    let mut documents = Vec::new();
    loop {
        let answer = host.get(status_path).send();
        if answer.status != 200 {
            answer.expect_status(303);
            return (documents, answer);
        }
        documents.push(answer.json());
        pause(
            Duration::from_secs(retry_after_seconds(&answer)),
            "an order to end",
        );
    }
}

/// The value of `Retry-After`.
#[track_caller]
pub fn retry_after_seconds(answer: &Response) -> u64 {
    let value = answer.header("retry-after");
    let seconds = value
        .and_then(|value| value.parse().ok())
        .filter(|seconds| (1..=10).contains(seconds));
    seconds.unwrap_or_else(|| {
        panic!(
            "expected `retry-after` to be an integer from 1 to 10, found {value:?} in {}",
            answer.describe()
        )
    })
}
