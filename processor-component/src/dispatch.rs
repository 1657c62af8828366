//! Dispatch: wake a processor for an order whose next attempt becomes due.

use std::time::Duration;

use orders::Record;

/// Where this component is, inside the app. Granted in `spin.toml`.
const PROCESSOR: &str = "http://processor.spin.internal";

/// Dispatches the order again when its next attempt is due, by a request like any other:
/// the attempt may run in another instance. If this one dies before, a sweep does it.
pub fn when_due(record: &Record) {
    let id = record.id;
    let delay_ms = record
        .claimable_at()
        .map_or(0, |at| at.ms_since(guest::now()));
    let headers: Vec<_> = record
        .traceparent
        .clone()
        .map(|value| ("traceparent", value))
        .into_iter()
        .collect();
    guest::spawn(async move {
        guest::sleep(Duration::from_millis(delay_ms)).await;
        if let Err(error) =
            guest::post(&format!("{PROCESSOR}/orders/{id}"), &headers, Vec::new()).await
        {
            eprintln!("order `{id}` was not dispatched: {error}");
        }
    });
}
