//! `GET /orders/status/{id}`: where an order stands.

use std::rc::Rc;

use guest::{Request, Response};
use orders::OrderId;

use crate::app::App;
use crate::problem::Problem;
use crate::{dispatch, document, retry_after};

/// `200` with the status document while the order is open, `303` to the result when it has ended.
pub async fn get(app: Rc<App>, id: OrderId, request: &Request) -> Result<Response, Problem> {
    let record = orders::find(&app.store, id)
        .await?
        .ok_or_else(|| Problem::order_not_found(&id.to_string()))?;
    if record.status().is_terminal() {
        // No Retry-After: RFC 9110 §10.2.3 makes it delay the redirect on a 3xx.
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("location", document::result_path(id)),
        ];
        return Ok(Response {
            status: 303,
            headers,
            body: document::ended(&record),
        });
    }
    let now = guest::now();
    if orders::needs_dispatch(&record, now) {
        // Its dispatch was lost, or its processor died: whoever asks after it sets it going again.
        dispatch::after_response(id, record.traceparent.clone());
    }
    let etag = format!("\"{}\"", record.revision);
    let unchanged = request
        .header("if-none-match")
        .is_some_and(|value| matches_etag(&value, &etag));
    let mut headers = vec![
        ("cache-control", "no-cache".to_owned()),
        ("etag", etag),
        (
            "retry-after",
            retry_after::seconds(&record, now).to_string(),
        ),
    ];
    if unchanged {
        return Ok(Response {
            status: 304,
            headers,
            body: Vec::new(),
        });
    }
    headers.push(("content-type", "application/json".to_owned()));
    Ok(Response {
        status: 200,
        headers,
        body: document::status(&record),
    })
}

/// RFC 9110 §13.1.2: any of a list, compared weakly; or `*`.
fn matches_etag(if_none_match: &str, etag: &str) -> bool {
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_takes_a_list_weak_tags_and_a_star() {
        for value in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"] {
            assert!(matches_etag(value, "\"3\""), "`{value}`");
        }
        for value in ["", "3", "\"33\"", "\"1\", \"2\""] {
            assert!(!matches_etag(value, "\"3\""), "`{value}`");
        }
    }
}
