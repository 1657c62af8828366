//! Dispatch: wake a processor for an order, by a request like any other, so that the host
//! chooses the instance.

use std::cell::Cell;

use futures::{StreamExt, stream};
use guest::HttpRequest;
use protocol::OrderId;

use crate::problem::HAS_NO_ROOM;

/// Where this component is, inside the app. Granted in `spin.toml`.
const PROCESSOR: &str = "http://processor.spin.internal";

/// How many dispatches are under way at once.
const CONCURRENCY: usize = 32;

/// Dispatches orders, in their order, until there is no room; says how many.
pub async fn all(orders: &[OrderId]) -> usize {
    let has_room = Cell::new(true);
    let dispatched = Cell::new(0);
    stream::iter(orders)
        .take_while(|_| std::future::ready(has_room.get()))
        .for_each_concurrent(CONCURRENCY, |id| async {
            if now(*id).await {
                dispatched.set(dispatched.get() + 1);
            } else {
                has_room.set(false);
            }
        })
        .await;
    dispatched.get()
}

/// Dispatches the order, and says whether there is room for more. Only a wake-up: what is lost here, a
/// sweep finds.
async fn now(id: OrderId) -> bool {
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
