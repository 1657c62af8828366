//! Dispatch: wake a processor for an order, by a request like any other, so that the host
//! chooses the instance.

use std::time::Duration;

use orders::{OrderId, Record};

/// Where this component is, inside the app. Granted in `spin.toml`.
const PROCESSOR: &str = "http://processor.spin.internal";

/// Dispatches the order. Only a wake-up: what is lost here, a sweep finds.
pub async fn now(id: OrderId, traceparent: Option<String>) {
    let headers: Vec<_> = traceparent
        .map(|value| ("traceparent", value))
        .into_iter()
        .collect();
    if let Err(error) = guest::post(&format!("{PROCESSOR}/orders/{id}"), &headers, Vec::new()).await
    {
        eprintln!("order `{id}` was not dispatched: {error}");
    }
}

/// Dispatches the order when its next attempt is due. If this instance dies before, a sweep does it.
pub fn when_due(record: &Record) {
    let delay_ms = record
        .claimable_at()
        .map_or(0, |at| at.ms_since(guest::now()));
    let (id, traceparent) = (record.id, record.traceparent.clone());
    guest::spawn(async move {
        guest::sleep(Duration::from_millis(delay_ms)).await;
        now(id, traceparent).await;
    });
}
