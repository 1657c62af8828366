//! One delivery: tell of an order's end, and record what came of it. When that is due is the protocol's,
//! what is sent is in `notification`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use guest::HttpResponse;
use protocol::{
    DeliveryEnd, OrderId, REDELIVERY_CAP_MS, Record, Refusal, Token, UpdateError, redelivery_ms,
};

use crate::app::App;
use crate::problem::WANTS_NO_MORE;

/// How long a receiver may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How much longer the host is asked to wait than we do, so that it is we who end a wait.
const HOST_WAITS_LONGER: Duration = Duration::from_secs(1);
/// After how long a delivery without an end counts as lost, in milliseconds: longer than any takes, with
/// time to record its end.
const LEASE_MS: u64 = 30_000;
/// The delay between two tries to record an end on a store that fails.
const AGAIN: Duration = Duration::from_millis(500);
/// The longest delay that a receiver may ask for by `Retry-After`, in seconds: as long as ours get, so that
/// its day is not over by one answer.
const DELAY_SECONDS_MAX: u64 = REDELIVERY_CAP_MS / 1000;

/// A delivery that is under way.
pub struct Delivery {
    /// The order that has ended.
    pub record: Record,
    token: Token,
}

/// Tells of the end of the order in `record`, if it has ended and that is due; returns the record as it is
/// then.
pub async fn tell(app: &Rc<App>, record: Record) -> Record {
    if record.tellable_at().is_none() {
        return record;
    }
    match begin(app, record.id).await {
        Some(delivery) => delivery.run(app).await,
        None => record,
    }
}

/// Takes the next delivery of an order's end, if one is due.
pub async fn begin(app: &App, id: OrderId) -> Option<Delivery> {
    let token = guest::token();
    let (write, now) = (guest::token(), guest::now());
    match protocol::begin_delivery(&app.store, id, token, LEASE_MS, write, now).await {
        Ok(record) => record.map(|record| Delivery { record, token }),
        // There is nothing to tell, or another is at it.
        Err(UpdateError::Refused(refused))
            if matches!(
                refused.refusal,
                Refusal::Terminal | Refusal::DeliveryNotDue { .. }
            ) =>
        {
            None
        }
        Err(error) => {
            eprintln!("the end of order `{id}` is not told yet: {error}");
            None
        }
    }
}

impl Delivery {
    /// Makes it, and records its end. Returns the record as it is then, or as it was if that is not known.
    pub async fn run(self, app: &Rc<App>) -> Record {
        let id = self.record.id;
        let end = self.send(app).await;
        if let DeliveryEnd::Failed { error, .. } = &end {
            eprintln!("the end of order `{id}` was not told: {error}");
        }
        let write = guest::token();
        let (began, lease) = (Instant::now(), Duration::from_millis(LEASE_MS));
        loop {
            let (end, now) = (end.clone(), guest::now());
            match protocol::end_delivery(&app.store, id, self.token, end, write, now).await {
                Ok(record) => return record,
                Err(UpdateError::Store(_)) if began.elapsed() < lease => guest::sleep(AGAIN).await,
                Err(error) => {
                    eprintln!(
                        "what came of telling the end of order `{id}` is not recorded: {error}"
                    );
                    return self.record;
                }
            }
        }
    }

    async fn send(&self, app: &App) -> DeliveryEnd {
        let message = match app
            .settings
            .notifications
            .message(&self.record, guest::now())
        {
            Ok(message) => message.answer_max(ANSWER_MAX + HOST_WAITS_LONGER),
            Err(sentence) => return self.failed(None, sentence, None),
        };
        let timeout = Box::pin(guest::sleep(ANSWER_MAX));
        match select(Box::pin(message.send()), timeout).await {
            // Its body is not read: what it says changes nothing.
            Either::Left((Ok(response), _)) => self.answered(&response),
            Either::Left((Err(cause), _)) => {
                self.failed(None, format!("the receiver did not answer: {cause}"), None)
            }
            Either::Right(_) => {
                let seconds = ANSWER_MAX.as_secs();
                let sentence = format!("the receiver did not answer within {seconds} s");
                self.failed(None, sentence, None)
            }
        }
    }

    fn answered(&self, response: &HttpResponse) -> DeliveryEnd {
        match response.status() {
            status @ 200..=299 => DeliveryEnd::Delivered { status },
            status @ WANTS_NO_MORE => DeliveryEnd::Gone { status },
            // Where it leads may be where nobody may send; nor is that told.
            status @ 300..=399 => {
                let sentence = format!(
                    "the receiver answered with status `{status}`, and redirects are not followed"
                );
                self.failed(Some(status), sentence, None)
            }
            status => {
                let delay_ms = response
                    .header("retry-after")
                    .and_then(|value| delay_ms(&value));
                let sentence = format!("the receiver answered with status `{status}`");
                self.failed(Some(status), sentence, delay_ms)
            }
        }
    }

    fn failed(&self, status: Option<u16>, error: String, delay_ms: Option<u64>) -> DeliveryEnd {
        let notification = self.record.notification.as_ref();
        let deliveries = notification.map_or(1, |it| it.deliveries);
        let random = u64::from_le_bytes(guest::random());
        DeliveryEnd::Failed {
            status,
            error,
            delay_ms: delay_ms.unwrap_or_else(|| redelivery_ms(deliveries, random)),
        }
    }
}

/// The value of a `Retry-After` (RFC 9110 §10.2.3) that is a number of seconds, in milliseconds. A date
/// is not obeyed: it would be of the receiver's clock.
fn delay_ms(retry_after: &str) -> Option<u64> {
    let seconds: u64 = retry_after.trim().parse().ok()?;
    Some(seconds.clamp(1, DELAY_SECONDS_MAX) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_in_seconds_when_it_wants_to_hear_again() {
        assert_eq!(delay_ms(" 3 "), Some(3_000));
        assert_eq!(delay_ms("0"), Some(1_000));
        assert_eq!(delay_ms("999999999"), Some(REDELIVERY_CAP_MS));
        assert_eq!(delay_ms("Sun, 06 Nov 1994 08:49:37 GMT"), None);
    }
}
