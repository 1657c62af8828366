//! `POST /orders`: accept an order.

use std::time::Duration;

use guest::Response;
use orders::{Idempotency, Order, OrderId, Record, Submission};

use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::watch::Watch;
use crate::{dispatch, document, idempotency_key, prefer, retry_after, status};

/// Makes the order durable, answers `202 Accepted`, and dispatches it after the answer.
///
/// With `Prefer: wait=N` the answer is held until the order has ended, for N seconds at
/// most; if it ends in time, the answer is the redirect to the result.
pub async fn post(call: Call) -> Result<Response, Problem> {
    let Call {
        app,
        owner,
        request,
    } = call;
    check_content_type(request.header("content-type").as_deref())?;
    check_content_length(
        request.header("content-length").as_deref(),
        app.max_body_bytes,
    )?;
    let wait_seconds = prefer::wait_seconds(
        request.list_header("prefer").as_deref(),
        app.max_wait_seconds,
    );
    let key = request
        .header("idempotency-key")
        .map(|value| idempotency_key::parse(&value))
        .transpose()?;
    let origin = request.origin();
    let traceparent = request
        .header("traceparent")
        .filter(|value| is_traceparent(value));
    let body = request
        .body(app.max_body_bytes)
        .await
        .map_err(|error| Problem::body(error, app.max_body_bytes))?;

    let now = guest::now();
    let idempotency = key.map(|key| Idempotency::new(owner.as_deref(), &key, &body));
    let submission = Submission {
        id: OrderId::new(now, guest::random(), owner.as_deref()),
        write: guest::token(),
        order: Order::parse(&body)?,
        owner,
        max_attempts: app.max_attempts,
        traceparent,
        now,
    };
    let record = accept(&app, submission, idempotency).await?;
    if !record.status().is_terminal() {
        dispatch::begin(app.clone(), record.id, record.traceparent.clone());
    }
    let Some(seconds) = wait_seconds else {
        return Ok(accepted(&record, origin));
    };
    // The order is accepted whatever comes now, so that no failure may hide its location.
    let record = match Watch::begin(&app, record.id) {
        Ok(watch) => watch
            .ended(&app, record.clone(), seconds)
            .await
            .unwrap_or(record),
        Err(_) => return Ok(accepted(&record, origin)),
    };
    let response = if record.status().is_terminal() {
        status::ended(&record)
    } else {
        accepted(&record, origin)
    };
    Ok(status::preference_applied(response, wait_seconds))
}

async fn accept(
    app: &App,
    submission: Submission,
    idempotency: Option<Idempotency>,
) -> Result<Record, Problem> {
    let record = match idempotency {
        None => orders::submit(&app.store, submission).await?,
        Some(idempotency) => {
            let pause = async |ms| guest::sleep(Duration::from_millis(ms)).await;
            orders::submit_once(&app.store, submission, idempotency, guest::token(), pause).await?
        }
    };
    Ok(record)
}

fn accepted(record: &Record, origin: Option<String>) -> Response {
    let status_path = document::status_path(record.id);
    let response = Response::json(202, &document::status(record))
        .header("cache-control", "no-store")
        .header(
            "retry-after",
            retry_after::seconds(record, guest::now()).to_string(),
        );
    let response = match origin {
        Some(origin) => response.header("operation-location", format!("{origin}{status_path}")),
        None => response,
    };
    response.header("location", status_path)
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
