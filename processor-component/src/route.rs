//! The route table of the processor. Only this app's components and its host reach it.

use guest::{Request, Response};
use orders::{Claimant, OrderId, Record, State, Status, Token};
use serde::Serialize;

use crate::app::App;
use crate::problem::Problem;
use crate::{attempt, sweep};

/// Answers any request.
pub async fn answer(request: Request) -> Response {
    match dispatch_to_route(&request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn dispatch_to_route(request: &Request) -> Result<Response, Problem> {
    let target = request.target();
    let path = target.split('?').next().unwrap_or_default();
    let mut segments = path.trim_start_matches('/').split('/');
    match (
        request.method().as_str(),
        segments.next(),
        segments.next(),
        segments.next(),
    ) {
        ("POST", Some("orders"), Some(id), None) => process(order_id(id)?, request).await,
        ("POST", Some("sweep"), None, None) => sweep::post(App::get().await?).await,
        ("POST", Some("release"), Some(id), None) => release(order_id(id)?, request).await,
        _ => Err(Problem::not_found(path)),
    }
}

/// Claims the order and runs one attempt: after the answer, or before it with `Prefer: wait`.
async fn process(id: OrderId, request: &Request) -> Result<Response, Problem> {
    let app = App::get().await?;
    let token = claim_token(request)?.unwrap_or_else(guest::token);
    let claimant = Claimant {
        token,
        lease_ms: app.lease_ms,
    };
    let held = orders::claim(&app.store, id, claimant, guest::token(), guest::now()).await?;
    let document = AttemptDocument::of(&held.record);
    if !prefers_wait(request.header("prefer").as_deref()) {
        guest::spawn(async move {
            attempt::run(&app, held, claimant).await;
        });
        return Ok(Response::json(202, &document));
    }
    match attempt::run(&app, held, claimant).await {
        Some(record) => Ok(Response::json(200, &AttemptDocument::of(&record))),
        None => Err(Problem::claim_lost(id)),
    }
}

/// Hands a claim back, for a host that shuts down.
async fn release(id: OrderId, request: &Request) -> Result<Response, Problem> {
    let app = App::get().await?;
    let token = claim_token(request)?.ok_or_else(Problem::claim_token_missing)?;
    orders::release(&app.store, id, token, guest::token(), guest::now()).await?;
    Ok(Response::new(204))
}

/// How an attempt stands, for whoever dispatched it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptDocument {
    id: OrderId,
    status: Status,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
}

impl AttemptDocument {
    fn of(record: &Record) -> Self {
        let next_attempt_at = match &record.state {
            State::Pending { next_attempt_at } => next_attempt_at.map(|at| at.to_string()),
            _ => None,
        };
        Self {
            id: record.id,
            status: record.status(),
            attempt: record.attempt,
            next_attempt_at,
        }
    }
}

/// RFC 7240 §4.3. Whatever number of seconds is given: the attempt's end is what is waited for.
fn prefers_wait(prefer: Option<&str>) -> bool {
    prefer.is_some_and(|value| {
        value
            .split([',', ';'])
            .filter_map(|part| part.split('=').next())
            .any(|name| name.trim().eq_ignore_ascii_case("wait"))
    })
}

/// The token that the host chose to claim with, so that it can release the claim later.
fn claim_token(request: &Request) -> Result<Option<Token>, Problem> {
    let value = request.header("claim-token");
    value
        .map(|value| {
            value
                .parse()
                .map_err(|_| Problem::claim_token_invalid(&value))
        })
        .transpose()
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::order_not_found(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_to_wait_is_found_among_others() {
        for value in ["wait", "wait=10", "respond-async, wait=10", "Wait"] {
            assert!(prefers_wait(Some(value)), "`{value}`");
        }
        for value in ["", "respond-async", "waiting=1"] {
            assert!(!prefers_wait(Some(value)), "`{value}`");
        }
        assert!(!prefers_wait(None));
    }
}
