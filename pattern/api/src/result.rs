//! `GET /orders/{id}`: what became of an order.

use guest::Response;
use protocol::{OrderId, State};
use work::Work;

use crate::call::Call;
use crate::document;
use crate::problem::{self, Problem};

/// The result of a completed order; the reason why there is none for any other.
pub async fn get<W: Work>(call: Call, id: OrderId) -> Result<Response, Problem> {
    let record = call.find(id).await?;
    let response = match &record.state {
        State::Completed { at, result } => {
            let document = document::completed::<W>(&record, *at, result.as_deref())
                .map_err(Problem::internal)?;
            Response::json(200, &document)
        }
        State::Failed {
            failure, result, ..
        } => Response::json(
            problem::ORDER_FAILED,
            &document::failed(&record, failure, result.as_deref()),
        ),
        State::Cancelled { at } => {
            Response::json(problem::ORDER_CANCELLED, &document::cancelled(&record, *at))
        }
        State::Pending { .. } | State::Processing { .. } => {
            return Err(Problem::result_not_ready(
                id,
                document::status_path::<W>(id),
            ));
        }
    };
    Ok(response.header("cache-control", "no-store"))
}
