//! The app's work, whatever its types are.

use futures::future::LocalBoxFuture;
use protocol::{AttemptEnd, Order};
use serde_json::value::to_raw_value;
use work::{Context, Sent, Work, WorkError};

use crate::retry_delay_ms;

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
    let ended = ended.and_then(|output| {
        to_raw_value(&output)
            .map_err(|error| WorkError::permanent(format!("the result is not JSON: {error}")))
    });
    match ended {
        Ok(result) => AttemptEnd::Completed {
            result: (result.get() != "null").then_some(result),
        },
        Err(error) => error.into_attempt_end(|| retry_delay_ms(attempt)),
    }
}
