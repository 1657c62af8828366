//! `POST /expire`: remove orders whose retention has ended.

use std::time::Instant;

use guest::Response;
use protocol::{Expired, ExpiryTurn, StoreError, Timestamp};
use serde::Serialize;

use crate::app::App;
use crate::elapsed_ms;
use crate::problem::Problem;

/// Removes what has had its time, if it is time and nobody else does.
pub async fn post(app: &App) -> Result<Response, Problem> {
    let (removed, next_at) = run(app).await?;
    Ok(Response::json(
        200,
        &ExpiryDocument {
            removed,
            next_expiry_at: next_at.to_string(),
        },
    ))
}

/// Takes one turn, if it is due. Says how many orders were removed, and when the next turn is due.
///
/// # Errors
/// If the store failed.
pub async fn run(app: &App) -> Result<(usize, Timestamp), StoreError> {
    let began = Instant::now();
    let turn = protocol::expire(
        &app.store,
        app.settings.expiry,
        guest::token(),
        guest::now(),
    )
    .await?;
    let expired = match turn {
        ExpiryTurn::NotDue(next_at) => return Ok((0, next_at)),
        ExpiryTurn::Taken(expired) => expired,
    };
    report(&expired);
    let next_at = protocol::rest_after_expiry(
        &app.store,
        app.settings.expiry,
        &expired,
        elapsed_ms(began),
        guest::token(),
        guest::now(),
    )
    .await;
    Ok((expired.removed, next_at))
}

fn report(expired: &Expired) {
    if let Some((id, error)) = expired.failed.first() {
        let count = expired.failed.len();
        eprintln!("{count} order(s) could not be removed, the first `{id}`: {error}");
    }
}

/// What was removed, and when to ask again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpiryDocument {
    removed: usize,
    next_expiry_at: String,
}
