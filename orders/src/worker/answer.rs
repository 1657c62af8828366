//! What a worker's answer means for its order: a result, another attempt, or the end.

use std::time::Duration;

use futures::future::{Either, select};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use work::{BodyError, HostResponse, RESULT_BYTES_MAX, WorkError};

use super::{Answered, Token};

/// Statuses of a client's fault that a deploy, a restart, a rotated secret or a wrong route can cause, and
/// that the next hours mend.
const MENDED_BY_TIME: [u16; 8] = [401, 403, 404, 405, 408, 409, 425, 429];
/// The longest delay that a worker may ask for by `Retry-After`, in seconds.
const DELAY_SECONDS_MAX: u64 = 3600;
/// The largest problem document that is read.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;
/// For how long a problem document is waited for: its status has already said what matters.
const PROBLEM_WAIT_MAX: Duration = Duration::from_secs(5);
/// How many characters are told of why a worker refused.
const REASON_CHARS_MAX: usize = 500;

/// What the answer means. In what it tells of it the token is hidden.
pub(super) async fn outcome(response: HostResponse, token: &Token) -> Answered {
    match response.status() {
        200..=299 => result_of(response).await,
        // Wherever it leads, the order and the token were not meant for it. Nor is that told: it may
        // hold what only some may know.
        status @ 300..=399 => Err(permanent(format!(
            "the worker answered with status `{status}`, and redirects are not followed"
        ))),
        status => {
            let delay_ms = response
                .header("retry-after")
                .and_then(|value| delay_ms(&value));
            let message = match reason(response, token).await {
                Some(reason) => format!("the worker answered with status `{status}`: {reason}"),
                None => format!("the worker answered with status `{status}`"),
            };
            Err(refusal(status, message, delay_ms))
        }
    }
}

/// A refusal with `status`. It is for good if the worker says that it is this order which is wrong.
fn refusal(status: u16, message: String, delay_ms: Option<u64>) -> WorkError {
    match status {
        400..=499 if !MENDED_BY_TIME.contains(&status) => permanent(message),
        _ => WorkError::Retryable { message, delay_ms },
    }
}

async fn result_of(response: HostResponse) -> Answered {
    let media_type = MediaType::of(&response);
    let length = response.header("content-length");
    let length: Option<u64> = length.and_then(|length| length.trim().parse().ok());
    match response.body(RESULT_BYTES_MAX).await {
        Ok(body) => result(&media_type, body),
        // The work is done and would give the same again, so no other attempt is made.
        Err(BodyError::TooLarge) => Err(permanent(match length {
            Some(bytes) => format!(
                "the worker's answer has {bytes} bytes, and {RESULT_BYTES_MAX} are kept at most"
            ),
            None => format!(
                "the worker's answer has more bytes than the {RESULT_BYTES_MAX} that are kept at most"
            ),
        })),
        Err(BodyError::Incomplete) => Err(retryable("the worker's answer broke off".to_owned())),
    }
}

/// The body of an answer that says the work is done: nothing, JSON if it is labelled so, or a JSON string of any
/// other text.
fn result(media_type: &MediaType, body: Vec<u8>) -> Answered {
    if body.is_empty() {
        return Ok(None);
    }
    let result: Box<RawValue> = if media_type.is_json() {
        // A page of a proxy, or an answer that was cut on the way: not what the worker meant to say.
        serde_json::from_slice(&body).map_err(|error| {
            retryable(format!(
                "the worker's answer is labelled as JSON and is none: {error}"
            ))
        })?
    } else {
        let text = String::from_utf8(body).map_err(|_| {
            permanent(
                "the worker's answer is neither labelled as JSON nor text in UTF-8".to_owned(),
            )
        })?;
        // OK because a string has no keys that could be no strings.
        to_raw_value(&text).expect("a string is JSON")
    };
    Ok(Some(result))
}

/// Why the worker refused, if it says so in a problem document (RFC 9457).
async fn reason(response: HostResponse, token: &Token) -> Option<String> {
    if !MediaType::of(&response).is_problem() {
        return None;
    }
    let body = Box::pin(response.body(PROBLEM_BYTES_MAX));
    let Either::Left((Ok(body), _)) = select(body, Box::pin(work::sleep(PROBLEM_WAIT_MAX))).await
    else {
        return None;
    };
    told(&body, token)
}

/// The `detail` of a problem document, or else its `title`, as much of it as is told.
fn told(problem: &[u8], token: &Token) -> Option<String> {
    let problem: Value = serde_json::from_slice(problem).ok()?;
    let text = ["detail", "title"]
        .iter()
        .filter_map(|name| problem.get(name)?.as_str())
        .map(str::trim)
        .find(|text| !text.is_empty())?;
    // Hidden before it is cut, so that no half of it is left.
    let text = token.hidden_in(text);
    Some(match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    })
}

/// The type in a `Content-Type`, in lower case and without parameters; empty if there is none.
struct MediaType(String);

impl MediaType {
    fn of(response: &HostResponse) -> Self {
        Self::read(&response.header("content-type").unwrap_or_default())
    }

    fn read(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default();
        Self(essence.trim().to_ascii_lowercase())
    }

    fn is_json(&self) -> bool {
        self.0 == "application/json" || self.0.ends_with("+json")
    }

    fn is_problem(&self) -> bool {
        self.0 == "application/problem+json"
    }
}

fn permanent(message: String) -> WorkError {
    WorkError::Permanent { message }
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

    fn json_of(content_type: &str, body: &[u8]) -> Result<Option<String>, WorkError> {
        let outcome = result(&MediaType::read(content_type), body.to_vec())?;
        Ok(outcome.map(|result| result.get().to_owned()))
    }

    #[test]
    fn json_is_taken_as_it_is_and_other_text_as_a_string() {
        let json = |content_type| json_of(content_type, b" {\"a\": 1.0} ");
        let found = Ok(Some(r#"{"a": 1.0}"#.to_owned()));
        assert_eq!(json("application/json"), found);
        assert_eq!(json("Application/Vnd.Shop+JSON ; charset=utf-8"), found);
        let text = Ok(Some(r#"" {\"a\": 1.0} ""#.to_owned()));
        assert_eq!(json("text/plain"), text);
        assert_eq!(json(""), text);
        assert_eq!(json_of("application/json", b""), Ok(None));
    }

    #[test]
    fn what_is_labelled_as_json_and_is_none_is_no_result() {
        for body in [&b"{\"a\":"[..], b"<html>", b" ", b"\"\xff\"", b"{} {}"] {
            let found = json_of("application/json", body);
            assert!(
                matches!(found, Err(WorkError::Retryable { .. })),
                "{body:?}"
            );
        }
        let bytes = json_of("image/png", b"\x89PNG\xff");
        assert!(matches!(bytes, Err(WorkError::Permanent { .. })));
    }

    #[test]
    fn a_refusal_is_for_good_if_time_does_not_mend_it() {
        for (status, permanent) in [
            (400, true),
            (422, true),
            (401, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let refusal = refusal(status, String::new(), None);
            let found = matches!(refusal, WorkError::Permanent { .. });
            assert_eq!(found, permanent, "{status}");
        }
    }

    #[test]
    fn a_reason_is_told_in_part_and_without_the_token() {
        let token = Token("s3cret".to_owned());
        let told = |problem: &str| told(problem.as_bytes(), &token);
        assert_eq!(
            told(r#"{"title": "No", "detail": "`s3cret` is unknown"}"#).as_deref(),
            Some("`[worker_token]` is unknown")
        );
        assert_eq!(
            told(r#"{"title": "No", "detail": 1}"#).as_deref(),
            Some("No")
        );
        assert_eq!(told(r#"{"detail": " "}"#), None);
        assert_eq!(told("[]"), None);
        let long = format!(r#"{{"detail": "{}s3cret"}}"#, "é".repeat(497));
        let cut = format!("{}[wo…", "é".repeat(497));
        assert_eq!(told(&long), Some(cut));
    }

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
