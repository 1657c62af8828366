//! Asking for a sweep: any request, health probes included, drives recovery this way, so
//! that no host needs a scheduler.

use std::cell::Cell;

use guest::HttpRequest;
use protocol::Timestamp;
use serde::Deserialize;
use work::Work;

use crate::app::App;

/// How long to leave it after a sweep could not be asked for, in milliseconds.
const ASK_AGAIN_MS: u64 = 15_000;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4096;

thread_local! {
    /// When to ask again; at once in a new instance.
    static NEXT_AT: Cell<Timestamp> = const { Cell::new(Timestamp::from_unix_ms(0)) };
}

/// Asks the processor to sweep, once the current request has been answered, if that may be due.
///
/// Costs nothing until the time that the last answer gave; then one call, by which the
/// replicas settle among themselves whose turn it is.
pub fn after_response<W: Work>() {
    let now = guest::now();
    if now < NEXT_AT.get() {
        return;
    }
    // Before the call, so that the requests meanwhile do not ask too.
    NEXT_AT.set(now.plus_ms(ASK_AGAIN_MS));
    guest::spawn(async move {
        match ask::<W>().await {
            Ok(next_at) => NEXT_AT.set(next_at),
            Err(error) => eprintln!("no sweep was asked for: {error}"),
        }
    });
}

async fn ask<W: Work>() -> Result<Timestamp, String> {
    let app = App::get::<W>()
        .await
        .map_err(|_| "the settings or the store are at fault".to_owned())?;
    // Where an instance serves one request, every request is the first to ask, and a call would
    // double what it costs.
    if let Ok(Some(next_at)) = protocol::next_sweep_at(&app.store, guest::now()).await {
        return Ok(next_at);
    }
    let url = format!("{}/sweep", app.settings.processor_url);
    let response = HttpRequest::post(url).send().await?;
    let status = response.status();
    let body = response
        .body(ANSWER_BYTES_MAX)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|error| format!("the answer has status `{status}`: {error}"))?;
    answer
        .next_sweep_at
        .parse()
        .map_err(|_| format!("expected a time, found `{}`", answer.next_sweep_at))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    next_sweep_at: String,
}
