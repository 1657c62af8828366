//! Dispatch: wake a processor for an order.

use orders::OrderId;

/// Where the processor component is, inside the app. Granted in `spin.toml`.
pub const PROCESSOR: &str = "http://processor.spin.internal";

/// Asks a processor to work on the order, while the current request goes on and after it.
///
/// Only a wake-up: the order is durable, so a dispatch that is lost costs time and
/// nothing else. Hence a failure is logged, and nobody waits for it.
pub fn begin(id: OrderId, traceparent: Option<String>) {
    guest::spawn(async move {
        let headers: Vec<_> = traceparent
            .map(|value| ("traceparent", value))
            .into_iter()
            .collect();
        match guest::post(&format!("{PROCESSOR}/orders/{id}"), &headers, Vec::new()).await {
            Ok(response) if response.status() < 300 => {}
            Ok(response) => eprintln!(
                "order `{id}` was not taken by a processor yet: status {}",
                response.status()
            ),
            Err(error) => eprintln!("order `{id}` was not dispatched: {error}"),
        }
    });
}
