//! `POST /sweep`: find orders that nobody works on, and have them worked on.

use std::rc::Rc;
use std::time::Instant;

use futures::{StreamExt, stream};
use guest::{Request, Response};
use protocol::{OrderId, SweepPolicy, SweepTurn, Swept, Timestamp};
use serde::Serialize;

use crate::app::App;
use crate::problem::Problem;
use crate::{dispatch, elapsed_ms, expire, request};

/// How many moves are under way at once.
const CONCURRENCY: usize = 32;

/// Sweeps, if it is time and nobody else does. Anybody inside may ask, as often as they like.
///
/// With `Prefer: return=representation` (RFC 7240 §4.2) the answer lists what is due, and whoever asks
/// dispatches it. Otherwise it is dispatched here; and only then is anything tidied up.
pub async fn post(app: Rc<App>, request: &Request) -> Result<Response, Problem> {
    let began = Instant::now();
    let policy = SweepPolicy {
        interval_ms: app.settings.sweep_ms,
        owner_open_max: app.settings.owner_open_max,
        tenure: request::tenure(request)?,
    };
    let turn = protocol::sweep(&app.store, policy, guest::token(), guest::now()).await?;
    let swept = match turn {
        SweepTurn::NotDue(next_at) => {
            return Ok(Response::json(200, &SweepDocument::new(false, next_at)));
        }
        SweepTurn::Taken(swept) => swept,
    };
    if let Some((id, error)) = swept.unread.first() {
        let count = swept.unread.len();
        eprintln!("{count} open order(s) could not be read, the first `{id}`: {error}");
    }
    let asker_dispatches = request::prefers(request, "return");
    let dispatched = if asker_dispatches {
        0
    } else {
        dispatch::all(&swept.due).await
    };
    let next_at = protocol::rest_after_sweep(
        &app.store,
        policy,
        &swept,
        elapsed_ms(began),
        guest::token(),
        guest::now(),
    )
    .await;
    let document = SweepDocument {
        open: swept.open,
        dispatched,
        due: if asker_dispatches { &swept.due } else { &[] },
        ..SweepDocument::new(true, next_at)
    };
    let response = Response::json(200, &document);
    guest::spawn(async move {
        move_ended(&app, &swept).await;
        if !asker_dispatches {
            // Who dispatches by itself asks for this by itself too.
            if let Err(error) = expire::run(&app).await {
                eprintln!("nothing was removed: {error}");
            }
        }
    });
    Ok(response)
}

/// Moves what ended and was left among the open orders by a crash.
async fn move_ended(app: &App, swept: &Swept) {
    stream::iter(&swept.ended)
        .for_each_concurrent(CONCURRENCY, |id| async move {
            let moved = protocol::move_left(&app.store, *id).await;
            if let Err(error) = moved {
                eprintln!("order `{id}` has ended and was not moved yet: {error}");
            }
        })
        .await;
}

/// What a sweep did, and when to ask for the next.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SweepDocument<'a> {
    swept: bool,
    open: usize,
    dispatched: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    due: &'a [OrderId],
    next_sweep_at: String,
}

impl SweepDocument<'_> {
    fn new(swept: bool, next_at: Timestamp) -> Self {
        Self {
            swept,
            open: 0,
            dispatched: 0,
            due: &[],
            next_sweep_at: next_at.to_string(),
        }
    }
}
