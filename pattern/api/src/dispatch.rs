//! Dispatch: wake a processor for orders.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use guest::HttpRequest;
use protocol::{OrderId, Record};

use crate::app::App;

/// How many orders one request names at most: its line is a few thousand bytes long then.
const ORDERS_MAX: usize = 64;
/// How long orders wait for a request that is under way, before there is one beside it.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// Orders that are to be dispatched, with the traces that they belong to.
    static WAITING: RefCell<Vec<(OrderId, Trace)>> = const { RefCell::new(Vec::new()) };
    /// Since when this instance is dispatching, if it is.
    static BUSY_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A trace, as headers.
type Trace = Vec<(&'static str, String)>;

/// Asks a processor to work on the order, or to tell of its end, while the current request goes on and
/// after it.
///
/// Only a wake-up: the order is durable, so a dispatch that is lost costs time and
/// nothing else. Hence a failure is logged, and nobody waits for it. Orders that come while a
/// dispatch is under way go together with the next, so that under load one serves many.
pub fn begin(app: Rc<App>, record: &Record) {
    let order = (record.id, record.trace());
    WAITING.with_borrow_mut(|waiting| waiting.push(order));
    let now = Instant::now();
    if BUSY_SINCE
        .get()
        .is_some_and(|since| now.duration_since(since) < PATIENCE)
    {
        return;
    }
    BUSY_SINCE.set(Some(now));
    guest::spawn(async move {
        loop {
            let orders = WAITING.with_borrow_mut(|waiting| {
                let count = waiting.len().min(ORDERS_MAX);
                waiting.drain(..count).collect::<Vec<_>>()
            });
            if orders.is_empty() {
                BUSY_SINCE.set(None);
                return;
            }
            BUSY_SINCE.set(Some(Instant::now()));
            dispatch(&app.settings.processor_url, orders).await;
        }
    });
}

async fn dispatch(processor_url: &str, orders: Vec<(OrderId, Trace)>) {
    let ids: Vec<_> = orders.iter().map(|(id, _)| id.to_string()).collect();
    let ids = ids.join(",");
    // Several have no trace in common. Each record has its own, for those who work on it.
    let trace = match <[_; 1]>::try_from(orders) {
        Ok([(_, trace)]) => trace,
        Err(_) => Trace::new(),
    };
    let request = HttpRequest::post(format!("{processor_url}/orders/{ids}"));
    match request.headers(trace).send().await {
        Ok(response) if response.status() < 300 => {}
        Ok(response) => eprintln!(
            "`{ids}` were not taken by a processor yet: status {}",
            response.status()
        ),
        Err(error) => eprintln!("`{ids}` were not dispatched: {error}"),
    }
}
