//! Work that another server does: the order is sent to `worker_url` by POST.

use std::time::Duration;

use futures::future::{Either, select};
use serde_json::value::{RawValue, to_raw_value};
use work::{BodyError, Context, HostResponse, RESULT_BYTES_MAX, Variables, WorkError};

/// Statuses of a client's fault that a deploy, a restart, a rotated secret or a wrong route can cause, and
/// that the next hours mend.
const MENDED_BY_TIME: [u16; 8] = [401, 403, 404, 405, 408, 409, 425, 429];
/// The longest delay that a worker may ask for by `Retry-After`, in seconds.
const DELAY_SECONDS_MAX: u64 = 3600;

/// The result that the worker gave, if it gave one; or why there is none.
type Answered = Result<Option<Box<RawValue>>, WorkError>;

/// A server that does the work.
pub struct Worker {
    url: String,
    timeout: Duration,
}

impl Worker {
    /// Reads `worker_url` and `worker_timeout_seconds`.
    pub async fn from_variables(variables: &mut Variables) -> Self {
        let timeout_seconds = variables.number("worker_timeout_seconds", 1..=86_400);
        let timeout = Duration::from_secs(timeout_seconds.await);
        let url = variables.http_url("worker_url").await;
        Self { url, timeout }
    }

    /// Has the worker do the work, and returns what it answers.
    ///
    /// # Errors
    /// As the worker's answer, or its silence, says.
    pub async fn run(&self, order: &str, context: &Context) -> Answered {
        let timeout = Box::pin(async {
            // A cancelled order's request is dropped, which closes the connection.
            select(
                Box::pin(work::sleep(self.timeout)),
                Box::pin(context.cancelled()),
            )
            .await;
        });
        match select(Box::pin(self.post(order, context)), timeout).await {
            Either::Left((answered, _)) => answered,
            Either::Right(_) => Err(retryable(format!(
                "the worker did not answer within {} s",
                self.timeout.as_secs()
            ))),
        }
    }

    async fn post(&self, order: &str, context: &Context) -> Answered {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            // The same for each attempt, so that the worker can tell a repetition. Quoted, as the
            // Idempotency-Key draft (06) has it: a string of RFC 8941.
            ("idempotency-key", format!("\"{}\"", context.id())),
        ];
        headers.extend_from_slice(context.trace());
        let body = order.as_bytes().to_vec();
        let response = work::post(&self.url, &headers, body)
            .await
            .map_err(retryable)?;
        match response.status() {
            200..=299 => outcome(response).await,
            // The worker says that it is this request that is wrong; asking again does not mend it.
            status @ 400..=499 if !MENDED_BY_TIME.contains(&status) => Err(WorkError::Permanent {
                message: format!("the worker answered with status `{status}`"),
            }),
            status => Err(WorkError::Retryable {
                message: format!("the worker answered with status `{status}`"),
                delay_ms: response
                    .header("retry-after")
                    .and_then(|value| delay_ms(&value)),
            }),
        }
    }
}

/// The body, if it is JSON; as a JSON string, if it is other text; nothing, if it is empty.
async fn outcome(response: HostResponse) -> Answered {
    let body = response
        .body(RESULT_BYTES_MAX)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => WorkError::Permanent {
                message: format!("the worker's answer is longer than {RESULT_BYTES_MAX} bytes"),
            },
            BodyError::Incomplete => retryable("the worker's answer broke off".to_owned()),
        })?;
    let text = String::from_utf8(body).map_err(|_| WorkError::Permanent {
        message: "the worker's answer is not text".to_owned(),
    })?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let json = RawValue::from_string(text.clone()).or_else(|_| to_raw_value(&text));
    json.map(Some).map_err(|error| retryable(error.to_string()))
}

fn retryable(message: String) -> WorkError {
    WorkError::Retryable {
        message,
        delay_ms: None,
    }
}

/// The value of a `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now.
fn delay_ms(retry_after: &str) -> Option<u64> {
    let seconds = match retry_after.trim().parse() {
        Ok(seconds) => seconds,
        Err(_) => seconds_until(retry_after.trim(), work::now().as_unix_ms() / 1000)?,
    };
    Some(seconds.min(DELAY_SECONDS_MAX) * 1000)
}

fn seconds_until(http_date: &str, now_seconds: u64) -> Option<u64> {
    // The preferred form of an HTTP date (RFC 9110 §5.6.7) is a date of RFC 5322, which jiff reads.
    let date = jiff::fmt::rfc2822::parse(http_date)
        .ok()?
        .timestamp()
        .as_second();
    Some(u64::try_from(date).ok()?.saturating_sub(now_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_is_bounded() {
        assert_eq!(delay_ms("3"), Some(3000));
        assert_eq!(delay_ms("999999999"), Some(DELAY_SECONDS_MAX * 1000));
        assert_eq!(delay_ms("soon"), None);
        assert_eq!(
            seconds_until("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_770),
            Some(7)
        );
        assert_eq!(
            seconds_until("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_999),
            Some(0)
        );
    }
}
