//! `POST /orders`: accept an order.

use std::time::Duration;

use guest::{Response, http_origin};
use protocol::{Idempotency, Notification, OrderId, Record, Submission};
use work::Work;

use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::trace::Trace;
use crate::watch::Watch;
use crate::{dispatch, document, idempotency_key, prefer, public_url, retry_after, share, status};

/// Makes the order durable, answers `202 Accepted`, and dispatches it after the answer.
///
/// With `Prefer: wait=N` the answer is held until the order has ended, for N seconds at
/// most; if it ends in time, the answer is the redirect to the result.
pub async fn post<W: Work>(call: Call) -> Result<Response, Problem> {
    let Call {
        app,
        owner,
        request,
    } = call;
    check_content_type(request.header("content-type")?.as_deref())?;
    check_content_encoding(request.list_header("content-encoding").as_deref())?;
    check_content_length(
        request.header("content-length")?.as_deref(),
        app.settings.max_body_bytes,
    )?;
    let wait_seconds = prefer::wait_seconds(
        request.list_header("prefer").as_deref(),
        app.settings.max_wait_seconds,
    );
    let key = request
        .header("idempotency-key")?
        .map(|value| idempotency_key::parse(&value))
        .transpose()?;
    let notification = notification(request.header("notify-url")?, &app)?;
    let base = public_url::base(app.settings.public_url.as_deref(), &request);
    let trace = Trace::of(&request);
    let body = request
        .body(app.settings.max_body_bytes)
        .await
        .map_err(|error| Problem::body(error, app.settings.max_body_bytes))?;

    let now = guest::now();
    let idempotency = key.map(|key| Idempotency::new(owner.as_deref(), &key, &body));
    let submission = Submission {
        id: OrderId::new(now, guest::random(), owner.as_deref()),
        write: guest::token(),
        order: app.settings.rules.read::<W>(&body)?,
        owner,
        max_attempts: app.settings.max_attempts,
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
        baggage: trace.baggage,
        notification,
        now,
    };
    let id = submission.id;
    let record = accept(&app, submission, idempotency).await?;
    let is_replay = record.id != id;
    if !record.status().is_terminal() {
        dispatch::begin(app.clone(), &record);
    }
    let response = answer::<W>(&app, record, base, wait_seconds).await;
    let response = response.vary("Prefer");
    Ok(if is_replay {
        response.header("idempotency-replayed", "true")
    } else {
        response
    })
}

/// `202`; or what there is to say when a client that would wait has waited.
async fn answer<W: Work>(
    app: &App,
    record: Record,
    base: Option<String>,
    wait_seconds: Option<u64>,
) -> Response {
    let Some(seconds) = wait_seconds else {
        return accepted::<W>(&record, base);
    };
    // The order is accepted whatever comes now, so that no failure may hide its location.
    let record = match Watch::begin(app, record.id) {
        Ok(watch) => watch
            .ended(app, record.clone(), seconds)
            .await
            .unwrap_or(record),
        Err(_) => return accepted::<W>(&record, base),
    };
    let response = if record.status().is_terminal() {
        status::ended::<W>(&record)
    } else {
        accepted::<W>(&record, base)
    };
    status::preference_applied(response, wait_seconds)
}

async fn accept(
    app: &App,
    submission: Submission,
    idempotency: Option<Idempotency>,
) -> Result<Record, Problem> {
    if share::is_used_up(app, submission.owner.as_deref()).await {
        // Who repeats a request is told of the order that it made before.
        let submitted = match idempotency {
            Some(idempotency) => protocol::find_submitted(&app.store, idempotency).await?,
            None => None,
        };
        return submitted.ok_or_else(Problem::too_many_open_orders);
    }
    let record = match idempotency {
        None => protocol::submit(&app.store, submission).await?,
        Some(idempotency) => {
            let pause = async |ms| guest::sleep(Duration::from_millis(ms)).await;
            protocol::submit_once(&app.store, submission, idempotency, guest::token(), pause)
                .await?
        }
    };
    Ok(record)
}

fn accepted<W: Work>(record: &Record, base: Option<String>) -> Response {
    let status_path = document::status_path::<W>(record.id);
    let response = Response::json(202, &document::status::<W>(record))
        .header("cache-control", "no-store")
        .header(
            "retry-after",
            retry_after::seconds(record, guest::now()).to_string(),
        );
    let response = match base {
        Some(base) => response.header("operation-location", format!("{base}{status_path}")),
        None => response,
    };
    response.header("location", status_path)
}

/// Whom to tell of the order's end: whom the client names, if it may, or whom the service always tells.
fn notification(named: Option<String>, app: &App) -> Result<Option<Box<Notification>>, Problem> {
    let settings = &app.settings;
    let url = match named {
        Some(url) => Some(allowed(url, &settings.notify_origins)?),
        None if settings.notifies => None,
        None => return Ok(None),
    };
    let notification = Notification {
        url,
        ..Notification::default()
    };
    Ok(Some(Box::new(notification)))
}

/// The URL, if its origin is one of those that are allowed.
fn allowed(url: String, origins: &[String]) -> Result<String, Problem> {
    let Some(origin) = http_origin(&url) else {
        return Err(Problem::invalid_notify_url(
            "expected an `http://` or `https://` URL of 2,048 bytes at most, without user and fragment",
        ));
    };
    if origins.contains(&origin) {
        Ok(url)
    } else {
        Err(Problem::invalid_notify_url(&format!(
            "this service does not notify `{origin}`"
        )))
    }
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

/// No coding, for which the service would have to unpack what it cannot bound before.
fn check_content_encoding(value: Option<&str>) -> Result<(), Problem> {
    let value = value.unwrap_or_default();
    let mut codings = value.split(',').map(str::trim);
    if codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
        Ok(())
    } else {
        Err(Problem::unsupported_content_encoding(value))
    }
}

/// Refuses a body that says it is too large before any of it is read.
fn check_content_length(value: Option<&str>, bytes_max: usize) -> Result<(), Problem> {
    match value.and_then(|value| value.parse::<u64>().ok()) {
        Some(bytes) if bytes > bytes_max as u64 => Err(Problem::too_large(bytes_max)),
        _ => Ok(()),
    }
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
    fn only_urls_of_listed_origins_may_be_named() {
        let origins = ["https://shop.example".to_owned()];
        for url in ["https://shop.example/hook?a=b", "https://SHOP.example:443"] {
            assert_eq!(allowed(url.to_owned(), &origins).ok().as_deref(), Some(url));
        }
        for url in [
            "",
            "https://shop.example.evil.example/",
            "https://shop.example@evil.example/",
            "http://shop.example/",
            "https://shop.example:8443/",
            "https://shop.example/#",
        ] {
            assert!(allowed(url.to_owned(), &origins).is_err(), "`{url}`");
        }
    }

    #[test]
    fn a_body_may_be_encoded_in_no_way_but_its_own() {
        for value in [None, Some(""), Some("identity"), Some("Identity, identity")] {
            assert!(check_content_encoding(value).is_ok(), "{value:?}");
        }
        for value in ["gzip", "br", "identity, gzip", "aws-chunked"] {
            assert!(check_content_encoding(Some(value)).is_err(), "`{value}`");
        }
    }
}
