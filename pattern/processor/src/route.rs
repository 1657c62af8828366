//! The route table of the processor. Only this app's components and its host reach it.

use std::rc::Rc;
use std::time::Instant;

use guest::{Request, Response};
use protocol::{ClaimError, Claimant, Held, OrderId, Record, Refusal, State, Status};
use serde::Serialize;
use work::Work;

use crate::app::App;
use crate::company::Place;
use crate::problem::Problem;
use crate::request::{prefers, tenure, token};
use crate::{attempt, dispatch, expire, notify, settings, sweep};

/// Says of an attempt that it has its instance to itself, or must have (RFC 8941 boolean).
const ALONE: (&str, &str) = ("attempt-alone", "?1");

/// Answers any request to the app `W`.
pub async fn answer<W: Work>(request: Request) -> Response {
    match dispatch_to_route::<W>(&request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn dispatch_to_route<W: Work>(request: &Request) -> Result<Response, Problem> {
    let target = request.target();
    let path = target.split('?').next().unwrap_or_default();
    let mut segments = path.trim_start_matches('/').split('/');
    match (
        request.method().as_str(),
        segments.next(),
        segments.next(),
        segments.next(),
    ) {
        ("POST", Some("orders"), Some(ids), None) if ids.contains(',') => dispatch_each(ids),
        ("POST", Some("orders"), Some(id), None) => process::<W>(order_id(id)?, request).await,
        ("POST", Some("sweep"), None, None) => sweep::post(App::get::<W>().await?, request).await,
        ("POST", Some("expire"), None, None) => expire::post(&*App::get::<W>().await?).await,
        ("GET", Some("configz"), None, None) => settings::get::<W>().await,
        ("POST", Some("release"), Some(id), None) => release::<W>(order_id(id)?, request).await,
        _ => Err(Problem::not_found(path)),
    }
}

/// Dispatches several orders one by one, so that the host chooses an instance for each. A host that
/// makes attempts by itself does not ask for this.
fn dispatch_each(ids: &str) -> Result<Response, Problem> {
    let ids: Vec<_> = ids.split(',').map(order_id).collect::<Result<_, _>>()?;
    guest::spawn(async move {
        dispatch::all(&ids).await;
    });
    Ok(Response::new(202))
}

/// Claims the order, runs one attempt, and tells of the order's end if that was it: after the answer, or
/// before it with `Prefer: wait`. Where the order has ended before, its end is told, if that is due.
async fn process<W: Work>(id: OrderId, request: &Request) -> Result<Response, Problem> {
    // The lease is counted from before the store is asked, by a clock that is never set.
    let claimed_at = Instant::now();
    let app = App::get::<W>().await?;
    let token = token(request, "claim-token")?;
    let claimant = Claimant {
        token: token.unwrap_or_else(guest::token),
        lease_ms: app.settings.lease_ms,
        alone: guest::SERVES_ONE_REQUEST
            || request.list_header(ALONE.0).as_deref() == Some(ALONE.1),
        tenure: tenure(request)?,
    };
    let mut place = Place::take().ok_or_else(|| Problem::instance_taken(id))?;
    // A host that chooses the token is ours, which gives an order that must be alone an instance.
    let claimed = if token.is_some() {
        match claim(&app, id, claimant).await {
            Err(error) if must_be_alone(&error) => {
                return Ok(Problem::from(error)
                    .into_response()
                    .header(ALONE.0, ALONE.1));
            }
            held => held.map(|held| (held, claimant)),
        }
    } else {
        claim_among_others(&app, id, claimant, &mut place).await
    };
    let (held, claimant) = match claimed {
        Ok(claimed) => claimed,
        Err(error) if has_ended(&error) => {
            drop(place);
            return tell(&app, id, error, request).await;
        }
        Err(error) => return Err(error.into()),
    };
    let attempt = attempt::Attempt {
        record: held.record,
        claimant,
        claimed_at,
        place,
    };
    let document = AttemptDocument::of(&attempt.record);
    if !prefers(request, "wait") {
        guest::spawn(async move {
            if let Some(record) = attempt::run(&app, attempt).await {
                notify::tell(&app, record).await;
            }
        });
        return Ok(Response::json(202, &document));
    }
    match attempt::run(&app, attempt).await {
        Some(record) => {
            let record = notify::tell(&app, record).await;
            Ok(Response::json(200, &AttemptDocument::of(&record)))
        }
        None => Err(Problem::claim_lost(id)),
    }
}

/// Tells of the end of an order that could not be claimed because it has ended, if that is due.
async fn tell(
    app: &Rc<App>,
    id: OrderId,
    refused: ClaimError,
    request: &Request,
) -> Result<Response, Problem> {
    let Some(delivery) = notify::begin(app, id).await else {
        return Err(refused.into());
    };
    if prefers(request, "wait") {
        let record = delivery.run(app).await;
        return Ok(Response::json(200, &AttemptDocument::of_none(&record)));
    }
    let document = AttemptDocument::of_none(&delivery.record);
    let app = Rc::clone(app);
    guest::spawn(async move {
        delivery.run(&app).await;
    });
    Ok(Response::json(202, &document))
}

/// Whether an order cannot be claimed because it has ended, now or before.
fn has_ended(error: &ClaimError) -> bool {
    match error {
        ClaimError::Exhausted(_) => true,
        ClaimError::Unavailable(refused) => refused.refusal == Refusal::Terminal,
        _ => false,
    }
}

async fn claim(app: &App, id: OrderId, claimant: Claimant) -> Result<Held, ClaimError> {
    protocol::claim(&app.store, id, claimant, guest::token(), guest::now()).await
}

/// Claims where the host gives no order an instance of its own: one that must be alone is, if nobody
/// else is here now.
async fn claim_among_others(
    app: &Rc<App>,
    id: OrderId,
    claimant: Claimant,
    place: &mut Place,
) -> Result<(Held, Claimant), ClaimError> {
    match claim(app, id, claimant).await {
        Err(error) if must_be_alone(&error) && place.keep_others_out() => {
            let claimant = Claimant {
                alone: true,
                ..claimant
            };
            Ok((claim(app, id, claimant).await?, claimant))
        }
        held => Ok((held?, claimant)),
    }
}

fn must_be_alone(error: &ClaimError) -> bool {
    matches!(error, ClaimError::Unavailable(refused) if refused.refusal == Refusal::NotAlone)
}

/// Hands a claim back, for a host that shuts down.
async fn release<W: Work>(id: OrderId, request: &Request) -> Result<Response, Problem> {
    let app = App::get::<W>().await?;
    let token = token(request, "claim-token")?.ok_or_else(Problem::claim_token_missing)?;
    protocol::release(&app.store, id, token, guest::token(), guest::now()).await?;
    Ok(Response::new(204))
}

/// How an order stands after an attempt, or while it runs, for whoever dispatched it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptDocument {
    id: OrderId,
    status: Status,
    attempt: u32,
    /// Only where there was none, because the order had ended.
    #[serde(skip_serializing_if = "is_true")]
    attempted: bool,
    /// When to dispatch it again, to be attempted or to have its end told.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
}

impl AttemptDocument {
    fn of(record: &Record) -> Self {
        let next_attempt_at = match &record.state {
            State::Pending { next_attempt_at } => *next_attempt_at,
            _ => record.tellable_at(),
        };
        Self {
            id: record.id,
            status: record.status(),
            attempt: record.attempt,
            attempted: true,
            next_attempt_at: next_attempt_at.map(|at| at.to_string()),
        }
    }

    /// The same of an order of which there was no attempt.
    fn of_none(record: &Record) -> Self {
        Self {
            attempted: false,
            ..Self::of(record)
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::order_not_found(text))
}
