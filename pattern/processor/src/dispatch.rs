//! Dispatch: wake a processor for an order, by a request like any other, so that the host
//! chooses the instance.

use guest::HttpRequest;
use protocol::OrderId;

use crate::problem::HAS_NO_ROOM;

/// Where this component is, inside the app. Granted in `spin.toml`.
const PROCESSOR: &str = "http://processor.spin.internal";

/// Dispatches the order, and says whether there is room for more. Only a wake-up: what is lost here, a
/// sweep finds.
pub async fn now(id: OrderId) -> bool {
    let request = HttpRequest::post(format!("{PROCESSOR}/orders/{id}"));
    match request.send().await {
        // RFC 9110 §15.6.4: whoever has no room now has none for the others either.
        Ok(response) => response.status() != HAS_NO_ROOM,
        Err(error) => {
            eprintln!("order `{id}` was not dispatched: {error}");
            true
        }
    }
}
