//! `POST /orders`: accept an order.

use std::rc::Rc;
use std::time::Duration;

use guest::{Request, Response};
use orders::{Idempotency, Order, OrderId, Submission};

use crate::app::App;
use crate::problem::Problem;
use crate::{dispatch, document, idempotency_key, retry_after};

/// Makes the order durable, answers `202 Accepted`, and dispatches it after the answer.
pub async fn post(app: Rc<App>, request: Request) -> Result<Response, Problem> {
    check_content_type(request.header("content-type").as_deref())?;
    check_content_length(
        request.header("content-length").as_deref(),
        app.max_body_bytes,
    )?;
    let origin = request.origin();
    let traceparent = request
        .header("traceparent")
        .filter(|value| is_traceparent(value));
    let key = request
        .header("idempotency-key")
        .map(|value| idempotency_key::parse(&value))
        .transpose()?;
    let body = request
        .body(app.max_body_bytes)
        .await
        .map_err(|error| Problem::body(error, app.max_body_bytes))?;
    let order = Order::parse(&body)?;

    let now = guest::now();
    let submission = Submission {
        id: OrderId::new(now, guest::random()),
        write: guest::token(),
        order,
        owner: None,
        max_attempts: app.max_attempts,
        traceparent,
        now,
    };
    let record = match &key {
        None => orders::submit(&app.store, submission).await?,
        Some(key) => {
            let idempotency = Idempotency::new(None, key, &body);
            let pause = async |ms| guest::sleep(Duration::from_millis(ms)).await;
            orders::submit_once(&app.store, submission, idempotency, pause).await?
        }
    };
    if !record.status().is_terminal() {
        dispatch::after_response(record.id, record.traceparent.clone());
    }

    let status_path = document::status_path(record.id);
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
        (
            "retry-after",
            retry_after::seconds(&record, now).to_string(),
        ),
    ];
    if let Some(origin) = origin {
        headers.push(("operation-location", format!("{origin}{status_path}")));
    }
    headers.push(("location", status_path));
    Ok(Response {
        status: 202,
        headers,
        body: document::status(&record),
    })
}

/// JSON, or no type said. RFC 9110 §8.3: the type's name is case-insensitive and may have parameters.
fn check_content_type(value: Option<&str>) -> Result<(), Problem> {
    let Some(value) = value else { return Ok(()) };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        Ok(())
    } else {
        Err(Problem::unsupported_media_type(value))
    }
}

/// Refuses a body that says it is too large before any of it is read.
fn check_content_length(value: Option<&str>, bytes_max: usize) -> Result<(), Problem> {
    match value.and_then(|value| value.parse::<u64>().ok()) {
        Some(bytes) if bytes > bytes_max as u64 => Err(Problem::too_large(bytes_max)),
        _ => Ok(()),
    }
}

/// W3C Trace Context §3.2: `version-traceid-parentid-flags`, in lower-case hexadecimal.
fn is_traceparent(value: &str) -> bool {
    let parts: Vec<_> = value.split('-').collect();
    parts.len() == 4
        && parts.iter().zip([2, 32, 16, 2]).all(|(part, length)| {
            part.len() == length
                && part
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_by_any_of_its_names_is_accepted_and_other_types_are_not() {
        for value in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.shop+json",
        ] {
            assert!(check_content_type(Some(value)).is_ok(), "`{value}`");
        }
        assert!(check_content_type(None).is_ok());
        for value in ["text/plain", "application/x-www-form-urlencoded", ""] {
            assert!(check_content_type(Some(value)).is_err(), "`{value}`");
        }
    }

    #[test]
    fn only_a_well_formed_trace_context_is_kept() {
        assert!(is_traceparent(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
        assert!(!is_traceparent(
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"
        ));
        assert!(!is_traceparent("00-\r\n"));
    }
}
