//! The app's work, whatever its types are.

use futures::future::LocalBoxFuture;
use protocol::{AttemptEnd, Order, backoff_ms};
use serde_json::value::to_raw_value;
use work::{Context, Sent, Work, WorkError};

/// Work on an order as it is stored, which ends in what can be stored.
pub trait AnyWork {
    /// Runs one attempt.
    fn run<'a>(&'a self, order: &Order, context: &'a Context) -> LocalBoxFuture<'a, AttemptEnd>;
}

impl<W: Work> AnyWork for W {
    fn run<'a>(&'a self, order: &Order, context: &'a Context) -> LocalBoxFuture<'a, AttemptEnd> {
        let sent = Sent::new(order.clone());
        Box::pin(async move {
            let ended = Work::run(self, &sent, context).await;
            end_of::<W>(ended, context.attempt())
        })
    }
}

fn end_of<W: Work>(ended: Result<W::Output, WorkError>, attempt: u32) -> AttemptEnd {
    match ended {
        Ok(output) => match to_raw_value(&output) {
            Ok(result) => AttemptEnd::Completed {
                result: (result.get() != "null").then_some(result),
            },
            Err(error) => AttemptEnd::Permanent {
                message: format!("the result is not JSON: {error}"),
            },
        },
        Err(WorkError::Permanent { message }) => AttemptEnd::Permanent { message },
        Err(WorkError::Retryable { message, delay_ms }) => {
            let delay_ms = delay_ms
                .unwrap_or_else(|| backoff_ms(attempt, u64::from_le_bytes(guest::random())));
            AttemptEnd::Retryable { message, delay_ms }
        }
    }
}
