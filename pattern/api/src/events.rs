//! The event stream of an order's status (server-sent events, HTML Living Standard §9.2).

use std::rc::Rc;
use std::time::Duration;

use guest::{BodyWriter, Response};
use protocol::{Record, Timestamp};
use serde::Serialize;
use work::Work;

use crate::app::App;
use crate::document;
use crate::problem::Problem;
use crate::watch::Watch;
use crate::weight;

/// What a client may ask for that changes what it gets: the stream, and to be held.
pub const VARY: &str = "Accept, Prefer";
/// How often a comment shows that the stream is alive, in milliseconds: below the idle time-outs of proxies.
const KEEP_ALIVE_MS: u64 = 15_000;

/// Whether the client asks for the stream: by its name, and at least as much as for the document
/// (RFC 9110 §12.5.1).
pub fn accepts(accept: Option<&str>) -> bool {
    let accept = accept.unwrap_or_default();
    let stream = weight::of(accept, "text/event-stream").unwrap_or(0.0);
    let ranges = ["application/json", "application/*", "*/*"];
    let document = ranges.iter().find_map(|range| weight::of(accept, range));
    stream > 0.0 && stream >= document.unwrap_or(0.0)
}

/// One event for each change until the order has ended; `seen` is the revision that the client has already.
///
/// # Errors
/// A problem, when there are too many watchers.
pub fn stream<W: Work>(
    app: Rc<App>,
    record: Record,
    seen: Option<u64>,
) -> Result<Response, Problem> {
    let watch = Watch::begin(&app, record.id)?;
    let response = Response::new(200)
        .header("content-type", "text/event-stream")
        .header("cache-control", "no-store")
        .vary(VARY)
        // Some proxies collect a response before they pass it on, unless told so.
        .header("x-accel-buffering", "no");
    Ok(response.stream(move |writer| write_events::<W>(app, watch, record, seen, writer)))
}

async fn write_events<W: Work>(
    app: Rc<App>,
    mut watch: Watch,
    mut record: Record,
    seen: Option<u64>,
    mut writer: BodyWriter,
) {
    let mut seen = seen.filter(|seen| *seen <= record.revision);
    let mut wrote_at = guest::now();
    loop {
        if seen != Some(record.revision)
            && !writer
                .write(event("status", &record, &document::status::<W>(&record)))
                .await
        {
            return;
        }
        if record.status().is_terminal() {
            writer
                .write(event("ended", &record, &document::ended::<W>(&record)))
                .await;
            return;
        }
        seen = Some(record.revision);
        watch.pause(Duration::MAX).await;
        // Before the look: a client that has left costs the store nothing.
        if !keep_alive(&mut writer, &mut wrote_at).await {
            return;
        }
        match watch.look(&app, &record).await {
            Ok(Some(changed)) => {
                record = changed;
                wrote_at = guest::now();
            }
            Ok(None) => {}
            // The client will come again.
            Err(_) => return,
        }
    }
}

/// Shows that the stream is alive if it is time to; whether the client is still there.
async fn keep_alive(writer: &mut BodyWriter, wrote_at: &mut Timestamp) -> bool {
    let now = guest::now();
    if now.ms_since(*wrote_at) < KEEP_ALIVE_MS {
        return writer.is_open().await;
    }
    *wrote_at = now;
    writer.write(b": keep-alive\n\n".to_vec()).await
}

fn event(name: &str, record: &Record, document: &impl Serialize) -> Vec<u8> {
    // OK because the document's keys are strings; and JSON holds no line breaks, as an event's data must not.
    let data = serde_json::to_string(document).expect("a document is always JSON");
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", record.revision).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_given_only_to_who_asks_for_it() {
        for accept in [
            "text/event-stream",
            "Text/Event-Stream",
            "application/json, text/event-stream",
            "application/json;q=0.9, text/event-stream, */*;q=0.8",
            "text/event-stream;q=0.1, application/json;q=0, */*",
        ] {
            assert!(accepts(Some(accept)), "`{accept}`");
        }
        for accept in [
            "*/*",
            "text/*",
            "text/event-stream;q=0",
            "text/event-stream;q=0.0, */*",
            "application/json, text/event-stream;q=0.9",
            "",
        ] {
            assert!(!accepts(Some(accept)), "`{accept}`");
        }
        assert!(!accepts(None));
    }
}
