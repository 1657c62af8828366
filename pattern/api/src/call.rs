//! A request on an order, and who makes it.

use std::rc::Rc;

use guest::Request;
use protocol::{OrderId, Record};

use crate::app::App;
use crate::problem::Problem;

/// A request by a caller who may make it.
pub struct Call {
    /// The store and the variables.
    pub app: Rc<App>,
    /// The caller's name; `None` where the service is open to all.
    pub owner: Option<String>,
    /// The request.
    pub request: Request,
}

impl Call {
    /// The record of one of the caller's orders. Another owner's order is as good as none.
    ///
    /// # Errors
    /// If there is no such order for the caller, or the store fails.
    pub async fn find(&self, id: OrderId) -> Result<Record, Problem> {
        protocol::find(&self.app.store, id)
            .await?
            .filter(|record| record.owner == self.owner)
            .ok_or_else(|| Problem::order_not_found(&id.to_string()))
    }
}
