//! What a worker's answer means for its order: a result, another attempt, or the end.

use std::time::Duration;

use futures::future::{Either, select};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use work::{BodyError, HttpResponse, RESULT_BYTES_MAX, WorkError};

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
pub(super) async fn outcome(response: HttpResponse, token: &Token) -> Answered {
    match response.status() {
        200..=299 => result_of(response).await,
        // Wherever it leads, the order and the token were not meant for it. Nor is that told: it may
        // hold what only some may know.
        status @ 300..=399 => Err(WorkError::permanent(format!(
            "the worker answered with status `{status}`, and redirects are not followed"
        ))),
        status => {
            let delay_ms = response
                .header("retry-after")
                .and_then(|value| delay_ms(&value));
            let problem = problem(response, token).await;
            Err(refusal(status, problem.as_ref(), delay_ms))
        }
    }
}

/// A refusal with `status`. It is for good if the worker says that it is this order which is wrong.
fn refusal(status: u16, problem: Option<&Value>, delay_ms: Option<u64>) -> WorkError {
    let message = match problem.and_then(reason) {
        Some(reason) => format!("the worker answered with status `{status}`: {reason}"),
        None => format!("the worker answered with status `{status}`"),
    };
    let refusal = match status {
        400..=499 if !MENDED_BY_TIME.contains(&status) => WorkError::permanent(message),
        _ => WorkError::retryable_after(delay_ms, message),
    };
    match problem {
        Some(problem) => refusal.with_details(problem),
        None => refusal,
    }
}

async fn result_of(response: HttpResponse) -> Answered {
    let media_type = MediaType::of(&response);
    let length = response.header("content-length");
    let length: Option<u64> = length.and_then(|length| length.trim().parse().ok());
    match response.body(RESULT_BYTES_MAX).await {
        Ok(body) => result(&media_type, body),
        // The work is done and would give the same again, so no other attempt is made.
        Err(BodyError::TooLarge) => Err(WorkError::permanent(match length {
            Some(bytes) => format!(
                "the worker's answer has {bytes} bytes, and {RESULT_BYTES_MAX} are kept at most"
            ),
            None => format!(
                "the worker's answer has more bytes than the {RESULT_BYTES_MAX} that are kept at most"
            ),
        })),
        Err(BodyError::Incomplete) => Err(WorkError::retryable("the worker's answer broke off")),
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
            WorkError::retryable(format!(
                "the worker's answer is labelled as JSON and is none: {error}"
            ))
        })?
    } else {
        let text = String::from_utf8(body).map_err(|_| {
            WorkError::permanent(
                "the worker's answer is neither labelled as JSON nor text in UTF-8",
            )
        })?;
        // OK because a string has no keys that could be no strings.
        to_raw_value(&text).expect("a string is JSON")
    };
    Ok(Some(result))
}

/// The problem document (RFC 9457) by which the worker says why it refused, if it does.
async fn problem(response: HttpResponse, token: &Token) -> Option<Value> {
    if !MediaType::of(&response).is_problem() {
        return None;
    }
    let body = Box::pin(response.body(PROBLEM_BYTES_MAX));
    match select(body, Box::pin(work::sleep(PROBLEM_WAIT_MAX))).await {
        Either::Left((Ok(body), _)) => told(&body, token),
        _ => None,
    }
}

/// A problem document as it is told.
fn told(problem: &[u8], token: &Token) -> Option<Value> {
    let problem = str::from_utf8(problem).ok()?;
    // Before and after it is read, as a text in JSON can be written in many ways.
    let mut problem: Value = serde_json::from_str(&token.hidden_in(problem)).ok()?;
    hide(&mut problem, token);
    problem.is_object().then_some(problem)
}

/// Hides the token wherever it is in `value`.
fn hide(value: &mut Value, token: &Token) {
    match value {
        Value::String(text) => *text = token.hidden_in(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, token)),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(name, mut value)| {
                    hide(&mut value, token);
                    (token.hidden_in(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The `detail` of a problem document, or else its `title`, as much of it as is told in a sentence.
fn reason(problem: &Value) -> Option<String> {
    let text = ["detail", "title"]
        .iter()
        .filter_map(|name| problem.get(name)?.as_str())
        .map(str::trim)
        .find(|text| !text.is_empty())?;
    Some(match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    })
}

/// The type in a `Content-Type`, in lower case and without parameters; empty if there is none.
struct MediaType(String);

impl MediaType {
    fn of(response: &HttpResponse) -> Self {
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
        let json = |content_type, body| json_of(content_type, body).expect("a result");
        let body = b" {\"a\": 1.0} ";
        for content_type in [
            "application/json",
            "Application/Vnd.Shop+JSON ; charset=utf-8",
        ] {
            assert_eq!(json(content_type, body).as_deref(), Some(r#"{"a": 1.0}"#));
        }
        for content_type in ["text/plain", ""] {
            assert_eq!(
                json(content_type, body).as_deref(),
                Some(r#"" {\"a\": 1.0} ""#)
            );
        }
        assert_eq!(json("application/json", b""), None);
    }

    #[test]
    fn what_is_labelled_as_json_and_is_none_is_no_result() {
        for body in [&b"{\"a\":"[..], b"<html>", b" ", b"\"\xff\"", b"{} {}"] {
            let error = json_of("application/json", body).expect_err("no result");
            assert!(error.is_retryable(), "{body:?}");
        }
        let error = json_of("image/png", b"\x89PNG\xff").expect_err("no result");
        assert!(!error.is_retryable());
    }

    #[test]
    fn a_refusal_is_for_good_if_time_does_not_mend_it() {
        for (status, is_retryable) in [
            (400, false),
            (422, false),
            (401, true),
            (429, true),
            (500, true),
            (503, true),
        ] {
            let refusal = refusal(status, None, None);
            assert_eq!(refusal.is_retryable(), is_retryable, "{status}");
        }
    }

    #[test]
    fn a_reason_is_told_in_part_and_a_problem_without_the_token() {
        let token = Token("s3cret".to_owned());
        let told = |problem: &str| told(problem.as_bytes(), &token);
        let reason = |problem: &str| reason(&told(problem)?);
        assert_eq!(
            reason(r#"{"title": "No", "detail": "`s3cret` is unknown"}"#).as_deref(),
            Some("`[worker_token]` is unknown")
        );
        assert_eq!(
            reason(r#"{"title": "No", "detail": 1}"#).as_deref(),
            Some("No")
        );
        assert_eq!(reason(r#"{"detail": " "}"#), None);
        assert_eq!(told("[]"), None);
        let long = format!(r#"{{"detail": "{}s3cret"}}"#, "é".repeat(497));
        let cut = format!("{}[wo…", "é".repeat(497));
        assert_eq!(reason(&long), Some(cut));
        assert_eq!(
            told(r#"{"errors": [{"s3cret": "\u00733cret"}]}"#),
            Some(serde_json::json!({"errors": [{"[worker_token]": "[worker_token]"}]}))
        );
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
