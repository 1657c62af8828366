//! `GET /orders/status/{id}`: where an order stands.

use guest::Response;
use protocol::{OrderId, Record};
use work::Work;

use crate::call::Call;
use crate::problem::Problem;
use crate::watch::Watch;
use crate::{dispatch, document, etag, events, prefer, retry_after};

/// `200` with the status document while the order is open, `303` to the result when it has ended.
///
/// With `Prefer: wait=N` the answer is held until the order has ended, for N seconds at most;
/// with `Accept: text/event-stream` it is a stream of changes.
pub async fn get<W: Work>(call: Call, id: OrderId) -> Result<Response, Problem> {
    let record = call.find(id).await?;
    if protocol::needs_dispatch(&record, guest::now()) {
        // Its dispatch was lost, or its processor died: whoever asks after it sets it going again.
        dispatch::begin(call.app.clone(), &record);
    }
    if events::accepts(call.request.list_header("accept").as_deref()) {
        let seen = call
            .request
            .header("last-event-id")?
            .and_then(|value| value.trim().parse().ok());
        return events::stream::<W>(call.app, record, seen);
    }
    let prefer = call.request.list_header("prefer");
    let wait_seconds = prefer::wait_seconds(prefer.as_deref(), call.app.settings.max_wait_seconds);
    let record = match wait_seconds {
        Some(seconds) => {
            Watch::begin(&call.app, id)?
                .ended(&call.app, record, seconds)
                .await?
        }
        None => record,
    };
    let if_none_match = call.request.list_header("if-none-match");
    let response = response::<W>(&record, if_none_match.as_deref());
    Ok(preference_applied(response, wait_seconds).vary(events::VARY))
}

fn response<W: Work>(record: &Record, if_none_match: Option<&str>) -> Response {
    if record.status().is_terminal() {
        return ended::<W>(record);
    }
    let etag = format!("\"{}\"", record.revision);
    let unchanged = if_none_match.is_some_and(|value| etag::matches(value, &etag));
    let response = if unchanged {
        Response::new(304)
    } else {
        Response::json(200, &document::status::<W>(record))
    };
    response
        .header("cache-control", "no-cache")
        .header("etag", etag)
        .header(
            "retry-after",
            retry_after::seconds(record, guest::now()).to_string(),
        )
}

/// The redirect to the result of an order that has ended.
///
/// No Retry-After: RFC 9110 §10.2.3 makes it delay the redirect on a 3xx.
pub fn ended<W: Work>(record: &Record) -> Response {
    Response::json(303, &document::ended::<W>(record))
        .header("cache-control", "no-store")
        .header("location", document::result_path::<W>(record.id))
}

/// RFC 7240 §3: says that a wait was honoured, and for how long.
pub fn preference_applied(response: Response, wait_seconds: Option<u64>) -> Response {
    match wait_seconds {
        Some(seconds) => response.header("preference-applied", format!("wait={seconds}")),
        None => response,
    }
}
