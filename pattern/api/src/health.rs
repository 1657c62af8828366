//! `GET /healthz`, `GET /readyz` and `GET /configz`: whether this instance lives, whether it would accept an
//! order now, and whether all variables are what they must be.

use std::cell::RefCell;

use guest::Response;
use protocol::Timestamp;
use serde::Serialize;
use work::Work;

use crate::app::App;
use crate::problem::Problem;
use crate::processor;
use crate::settings::Settings;

/// How long it holds that the store takes writes, in milliseconds: probes are many, and a write costs.
const WRITES_MS: u64 = 3_000;
/// How long it holds that it does not, in milliseconds.
const FAILS_MS: u64 = 1_000;

/// What the store last said to a write.
struct Verdict {
    problem: Option<Problem>,
    holds_until: Timestamp,
}

thread_local! {
    static VERDICT: RefCell<Option<Verdict>> = const { RefCell::new(None) };
}

/// The component runs.
pub fn alive() -> Response {
    ok()
}

/// An order would be accepted, and worked on: the variables are well, and the store takes writes.
pub async fn ready<W: Work>() -> Result<Response, Problem> {
    let app = App::get::<W>().await?;
    processor::check(&app.settings.processor_url).await?;
    check_writes(&app).await.map(|()| ok())
}

/// The variables are well, this component's and the processor's. It is asked by the host before
/// anything is accepted, and needs no store.
pub async fn configured<W: Work>() -> Result<Response, Problem> {
    let unlogged = |faults| Problem::misconfigured(faults).unlogged();
    let settings = Settings::read::<W>().await.map_err(unlogged)?;
    if settings.tokens.are_none() {
        eprintln!("everybody may call: `api_tokens` is `none`");
    }
    let faults = processor::faults(&settings.processor_url).await;
    if faults.is_empty() {
        Ok(ok())
    } else {
        Err(unlogged(faults))
    }
}

async fn check_writes(app: &App) -> Result<(), Problem> {
    let now = guest::now();
    let held = VERDICT.with_borrow_mut(|verdict| {
        let verdict = verdict.as_mut()?;
        let problem = verdict.problem.clone();
        if now < verdict.holds_until {
            return Some(problem);
        }
        // One probe writes; those that come meanwhile get what held so far.
        verdict.holds_until = now.plus_ms(FAILS_MS);
        None
    });
    if let Some(problem) = held {
        return problem.map_or(Ok(()), Err);
    }
    let problem = app.store.probe().await.err().map(Problem::from);
    let holds_ms = if problem.is_none() {
        WRITES_MS
    } else {
        FAILS_MS
    };
    let verdict = Verdict {
        problem: problem.clone(),
        holds_until: guest::now().plus_ms(holds_ms),
    };
    VERDICT.set(Some(verdict));
    problem.map_or(Ok(()), Err)
}

fn ok() -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    Response::json(200, &Health { status: "ok" }).header("cache-control", "no-store")
}
