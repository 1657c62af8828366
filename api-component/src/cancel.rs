//! `DELETE /orders/status/{id}`: take an order back.

use guest::Response;
use orders::OrderId;

use crate::call::Call;
use crate::document;
use crate::problem::Problem;

/// `200` with the cancelled status document; work that runs stops at its next renewal.
pub async fn delete(call: Call, id: OrderId) -> Result<Response, Problem> {
    // Whose it is never changes, so that looking first is safe.
    call.find(id).await?;
    let record = orders::cancel(&call.app.store, id, guest::token(), guest::now()).await?;
    Ok(Response::json(200, &document::status(&record)).header("cache-control", "no-store"))
}
