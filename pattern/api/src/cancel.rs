//! `DELETE /orders/status/{id}`: take an order back.

use guest::Response;
use protocol::{OrderId, Status};
use work::Work;

use crate::call::Call;
use crate::problem::Problem;
use crate::{dispatch, document};

/// `200` with the cancelled status document; work that runs stops at its next renewal.
pub async fn delete<W: Work>(call: Call, id: OrderId) -> Result<Response, Problem> {
    // Whose it is never changes, so that looking first is safe; nor does it change that it is cancelled,
    // so that a client whose first answer was lost is told the same again.
    let found = call.find(id).await?;
    let record = match found.status() {
        Status::Cancelled => found,
        _ => protocol::cancel(&call.app.store, id, guest::token(), guest::now()).await?,
    };
    if record.tellable_at().is_some() {
        // Where somebody is to be told of its end, a processor does it.
        dispatch::begin(call.app.clone(), &record);
    }
    Ok(Response::json(200, &document::status::<W>(&record)).header("cache-control", "no-store"))
}
