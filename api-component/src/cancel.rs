//! `DELETE /orders/status/{id}`: take an order back.

use std::rc::Rc;

use guest::Response;
use orders::OrderId;

use crate::app::App;
use crate::document;
use crate::problem::Problem;

/// `200` with the cancelled status document; work that runs stops at its next renewal.
pub async fn delete(app: Rc<App>, id: OrderId) -> Result<Response, Problem> {
    let record = orders::cancel(&app.store, id, guest::token(), guest::now()).await?;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    Ok(Response {
        status: 200,
        headers,
        body: document::status(&record),
    })
}
