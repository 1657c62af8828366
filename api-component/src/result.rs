//! `GET /orders/{id}`: what became of an order.

use std::rc::Rc;

use guest::Response;
use orders::{OrderId, State};

use crate::app::App;
use crate::document;
use crate::problem::{self, Problem};

/// The result of a completed order; the reason why there is none for any other.
pub async fn get(app: Rc<App>, id: OrderId) -> Result<Response, Problem> {
    let record = orders::find(&app.store, id)
        .await?
        .ok_or_else(|| Problem::order_not_found(&id.to_string()))?;
    let (status, body) = match &record.state {
        State::Completed { at, result } => {
            let body =
                document::completed(&record, *at, result.as_deref()).map_err(Problem::internal)?;
            (200, body)
        }
        State::Failed { failure, .. } => {
            (problem::ORDER_FAILED, document::failed(&record, failure))
        }
        State::Cancelled { at } => (problem::ORDER_CANCELLED, document::cancelled(&record, *at)),
        State::Pending { .. } | State::Processing { .. } => {
            return Err(Problem::result_not_ready(id));
        }
    };
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    Ok(Response {
        status,
        headers,
        body,
    })
}
