//! Dispatch: wake a processor for an order.

use std::rc::Rc;

use guest::HttpRequest;
use protocol::Record;

use crate::app::App;

/// Asks a processor to work on the order, or to tell of its end, while the current request goes on and after it.
///
/// Only a wake-up: the order is durable, so a dispatch that is lost costs time and
/// nothing else. Hence a failure is logged, and nobody waits for it.
pub fn begin(app: Rc<App>, record: &Record) {
    let (id, headers) = (record.id, record.trace());
    guest::spawn(async move {
        let url = format!("{}/orders/{id}", app.settings.processor_url);
        match HttpRequest::post(url).headers(headers).send().await {
            Ok(response) if response.status() < 300 => {}
            Ok(response) => eprintln!(
                "order `{id}` was not taken by a processor yet: status {}",
                response.status()
            ),
            Err(error) => eprintln!("order `{id}` was not dispatched: {error}"),
        }
    });
}
