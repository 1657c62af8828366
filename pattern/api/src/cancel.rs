//! `DELETE /orders/status/{id}`: take an order back.

use guest::Response;
use protocol::{OrderId, Status};
use work::Work;

use crate::call::Call;
use crate::document;
use crate::problem::Problem;

/// `200` with the cancelled status document; work that runs stops at its next renewal.
pub async fn delete<W: Work>(call: Call, id: OrderId) -> Result<Response, Problem> {
    // Whose it is never changes, so that looking first is safe; nor does it change that it is cancelled,
    // so that a client whose first answer was lost is told the same again.
    let found = call.find(id).await?;
    let record = match found.status() {
        Status::Cancelled => found,
        _ => protocol::cancel(&call.app.store, id, guest::token(), guest::now()).await?,
    };
    Ok(Response::json(200, &document::status::<W>(&record)).header("cache-control", "no-store"))
}
