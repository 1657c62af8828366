//! `POST /sweep`: find orders that nobody works on and dispatch them; remove what has had its time.

use std::rc::Rc;

use futures::{StreamExt, stream};
use guest::Response;
use orders::{Swept, Timestamp, Turn};
use serde::Serialize;

use crate::app::App;
use crate::dispatch;
use crate::problem::Problem;

/// How many dispatches are under way at once.
const CONCURRENCY: usize = 32;

/// Sweeps, if it is time and nobody else does. Anybody inside may ask, as often as they like.
pub async fn post(app: Rc<App>) -> Result<Response, Problem> {
    let turn = orders::sweep(
        &app.store,
        app.sweep,
        [guest::token(), guest::token()],
        guest::now(),
    )
    .await?;
    let document = match turn {
        Turn::NotDue(next_at) => SweepDocument::new(false, next_at),
        Turn::Taken(Swept {
            due,
            open,
            removed,
            next_at,
        }) => {
            let dispatched = due.len();
            stream::iter(due)
                .for_each_concurrent(CONCURRENCY, |id| dispatch::now(id, None))
                .await;
            SweepDocument {
                open,
                dispatched,
                removed,
                ..SweepDocument::new(true, next_at)
            }
        }
    };
    Ok(Response::json(200, &document))
}

/// What a sweep did, and when to ask for the next.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SweepDocument {
    swept: bool,
    open: usize,
    dispatched: usize,
    removed: usize,
    next_sweep_at: String,
}

impl SweepDocument {
    fn new(swept: bool, next_at: Timestamp) -> Self {
        Self {
            swept,
            open: 0,
            dispatched: 0,
            removed: 0,
            next_sweep_at: next_at.to_string(),
        }
    }
}
