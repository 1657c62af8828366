//! From a checked app to components that can be called: what `up`, `job` and `sweep` share.

use crate::clock;
use crate::config::{App, PROCESSOR, Runs};
use crate::configured;
use crate::dispatch::{Dispatched, Dispatcher, Executions, InProcess, Runner};
use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::order::{self, Answer, Processor, TRACEPARENT};
use crate::runtime::Runtimes;
use crate::sweeper::Sweeper;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use host::{Chain, Chaining, Linked, Policy, Pool, Reuse, Setup};
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use kv::{SizeLimits, Stores};
use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::handler::{Request, Response};

/// Requests to the working component that there is room for beside attempts: sweeps, for which
/// many may ask at once, and releases. It is room for four instances as they are shared by default.
const SPARE_REQUESTS: usize = 64;

/// The components of an app, ready to be called.
pub(crate) struct Started {
    /// The pool of each component.
    pub(crate) pools: HashMap<String, Pool>,
    /// The stores, to be closed in the end.
    pub(crate) stores: Stores,
    /// The component that works on orders, if the app has one.
    pub(crate) processor: Option<Processor>,
    /// What has the working component sweep, if this command does.
    pub(crate) sweeper: Option<Sweeper>,
    /// What runs dispatched orders, if this command does.
    pub(crate) dispatcher: Option<Dispatcher>,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// How long compiling and linking took.
    pub(crate) compiled_in: Duration,
}

/// How much of the app a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All components; dispatches are run.
    App,
    /// The working component alone; what it dispatches is run.
    Sweep,
    /// The working component alone, for one order; what it dispatches is left to a sweep.
    Job,
}

/// Opens the stores, compiles the components, ties them together, and asks them whether they can work
/// with their variables.
pub(crate) fn start(app: &App, runtimes: &Runtimes, scope: Scope) -> Result<Started, Vec<Fault>> {
    if scope != Scope::App && !app.components.contains_key(PROCESSOR) {
        return Err(vec![Fault::new(format!(
            "the manifest has no component `{PROCESSOR}`, which this command calls; name another manifest with --from"
        ))]);
    }
    clock::set_from_environment().map_err(|fault| vec![fault])?;
    let backends = app.stores.clone();
    let stores = runtimes
        .serving
        .block_on(Stores::open(backends, SizeLimits::default()))
        .map_err(|error| faults([error]))?;
    let began = Instant::now();
    let chain = Chain::default();
    let components = app.components.iter().map(|(id, it)| (id.as_str(), it));
    let linked = Linked::new(&Setup {
        components: components
            .filter(|(id, _)| scope == Scope::App || *id == PROCESSOR)
            .collect(),
        stores: &stores,
        chain: &chain,
        limits: &app.limits.of_instances(),
        cache: app.cache.as_ref(),
        clock: clock::of_components(),
    })
    .map_err(faults)?;
    let compiled_in = began.elapsed();
    let reuse = linked.reuse(PROCESSOR);
    let working = reuse.map_or(0, |reuse| Working::new(app, reuse).all());
    let pools = linked.pools(|id, reuse| match id {
        PROCESSOR => (
            working_policy(app, reuse),
            runtimes.working.handle().clone(),
        ),
        _ => (
            serving_policy(app, reuse, working),
            runtimes.serving.handle().clone(),
        ),
    });
    let metrics = Metrics::new();
    let tenure = stores.tenure();
    let processor = pools.get(PROCESSOR).cloned();
    let processor = processor.map(|pool| Processor::new(pool, tenure));
    let dispatcher = match (pools.get(PROCESSOR), &processor) {
        (Some(pool), Some(processor)) if scope != Scope::Job => {
            let runtime = runtimes.working.handle().clone();
            let runner = runner(app, processor, &metrics)?;
            let at_once = at_once(app, pool.policy());
            Some(Dispatcher::new(
                runner,
                runtime,
                at_once,
                app.processor.queue,
            ))
        }
        _ => None,
    };
    let sweeper = processor.clone().zip(dispatcher.clone());
    let sweeper = sweeper.map(|(processor, dispatcher)| {
        let runtime = runtimes.working.handle().clone();
        Sweeper::new(processor, dispatcher, runtime, metrics.clone())
    });
    let neighbours = Neighbours {
        pools: pools.clone(),
        processor: processor.clone(),
        sweeper: sweeper.clone(),
        dispatcher: dispatcher.clone(),
    };
    // OK to ignore: it was made here, and nobody else has set it.
    let _ = chain.set(Arc::new(neighbours));
    let misset = runtimes.serving.block_on(configured::faults(&pools));
    if !misset.is_empty() {
        return Err(misset);
    }
    Ok(Started {
        pools,
        stores,
        processor,
        sweeper,
        dispatcher,
        metrics,
        compiled_in,
    })
}

/// What other layers say, as this one says it.
fn faults(errors: impl IntoIterator<Item: ToString>) -> Vec<Fault> {
    let errors = errors.into_iter();
    errors.map(|error| Fault::new(error.to_string())).collect()
}

/// What makes the attempts of dispatched orders.
fn runner(
    app: &App,
    processor: &Processor,
    metrics: &Metrics,
) -> Result<Arc<dyn Runner>, Vec<Fault>> {
    match &app.processor.runs {
        Runs::InProcess { .. } => Ok(Arc::new(InProcess::new(
            processor.clone(),
            SPARE_REQUESTS,
            metrics.clone(),
        ))),
        Runs::ContainerAppsJob(job) => match Executions::new(job) {
            Ok(executions) => Ok(Arc::new(executions)),
            Err(error) => Err(faults([error])),
        },
    }
}

/// Enough to keep every core busy, so that more than these share an instance only if they wait.
fn spread() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get) * 2
}

/// How many dispatches are seen to at once: no more attempts in this process than its instances
/// have room for.
fn at_once(app: &App, policy: &Policy) -> usize {
    let wanted = app.processor.max_concurrent;
    match &app.processor.runs {
        Runs::InProcess { .. } => {
            let room = policy.requests_max().saturating_sub(SPARE_REQUESTS);
            wanted.min(room.max(policy.requests_per_instance))
        }
        Runs::ContainerAppsJob(_) => wanted,
    }
}

/// Instances for work, never more than half of all.
struct Working {
    /// As many as attempts need that share them; a quarter of what there is stays free of these.
    shared: usize,
    /// For attempts that have to be alone: as many as there is room for. None where each is.
    alone: usize,
}

impl Working {
    fn new(app: &App, reuse: Reuse) -> Self {
        let per_instance = reuse.at_most(app.processor.per_instance());
        let attempts = app.processor.attempts_max();
        let wanted = (attempts + SPARE_REQUESTS).div_ceil(per_instance);
        let room = app.limits.instances_max / 2;
        if per_instance == 1 {
            return Self {
                shared: wanted.min(room),
                alone: 0,
            };
        }
        let shared = wanted.min(room - room / 4);
        Self {
            shared,
            alone: (room - shared).clamp(1, attempts.max(1)),
        }
    }

    fn all(&self) -> usize {
        self.shared + self.alone
    }
}

fn working_policy(app: &App, reuse: Reuse) -> Policy {
    let Working { shared, alone } = Working::new(app, reuse);
    Policy {
        instances_max: shared,
        alone_max: alone,
        spread: spread(),
        requests_per_instance: reuse.at_most(app.processor.per_instance()),
        reuse_max: reuse.at_most(app.limits.instance_reuse_max),
        memory_bytes_max: None,
        idle: Duration::from_secs(app.limits.instance_idle_seconds),
        // An attempt takes as long as the work takes; what bounds it is its lease.
        response_max: None,
        tail_max: None,
    }
}

/// `working` instances are not for requests.
fn serving_policy(app: &App, reuse: Reuse, working: usize) -> Policy {
    let limits = &app.limits;
    Policy {
        // Where there are too few for all that is wanted, what is made for work alone waits.
        instances_max: limits.instances_max.saturating_sub(working).max(1),
        alone_max: 0,
        spread: spread(),
        requests_per_instance: reuse.at_most(limits.instance_requests_max),
        reuse_max: reuse.at_most(limits.instance_reuse_max),
        // Instances that serve one request each cannot serve what comes instead of others.
        memory_bytes_max: (reuse.at_most(usize::MAX) > 1)
            .then_some(limits.serving_memory_bytes_max),
        idle: Duration::from_secs(limits.instance_idle_seconds),
        response_max: Some(Duration::from_secs(limits.request_seconds_max)),
        tail_max: Some(Duration::from_secs(limits.tail_seconds_max)),
    }
}

/// How the components of one app reach each other.
struct Neighbours {
    pools: HashMap<String, Pool>,
    processor: Option<Processor>,
    sweeper: Option<Sweeper>,
    dispatcher: Option<Dispatcher>,
}

impl Chaining for Neighbours {
    fn call(&self, target: &str, request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        if target == PROCESSOR
            && let Some(order_ids) = order::dispatched(&request)
        {
            let response = self.dispatch(order_ids, request.headers().get(TRACEPARENT));
            return async { Ok(response) }.boxed();
        }
        // As those of the timer are, so that what it finds is counted.
        if target == PROCESSOR
            && order::is_sweep(&request)
            && let Some(sweeper) = self.sweeper.clone()
        {
            return async move {
                let Answer { status, body, .. } = sweeper.sweep().await.map_err(unanswered)?;
                Ok(response(status, body))
            }
            .boxed();
        }
        if target == PROCESSOR
            && let Some(processor) = self.processor.clone()
        {
            return async move { processor.pass(request).await.map_err(unanswered) }.boxed();
        }
        let Some(pool) = self.pools.get(target).cloned() else {
            return async { Err(Error::DestinationNotFound) }.boxed();
        };
        async move { pool.call(request).await.map_err(unanswered) }.boxed()
    }
}

/// A failure as the component learns it that called.
fn unanswered(error: host::Error) -> Error {
    match error {
        host::Error::TimedOut => Error::HttpResponseTimeout,
        host::Error::Exhausted(_) => Error::ConnectionLimitReached,
        error => Error::InternalError(Some(error.to_string())),
    }
}

fn response(status: StatusCode, body: Bytes) -> Response {
    let body = Full::new(body).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}

impl Neighbours {
    /// Takes all of the orders on, or says that there is no room: those that were not taken on wait for a
    /// sweep. As all do where nothing is run, which is as good as accepted.
    fn dispatch<'a>(
        &self,
        mut order_ids: impl Iterator<Item = &'a str>,
        traceparent: Option<&header::HeaderValue>,
    ) -> Response {
        let is_taken_on = |order_id| {
            self.dispatcher.as_ref().is_none_or(|dispatcher| {
                dispatcher.dispatch(order_id, traceparent.cloned()) == Dispatched::Accepted
            })
        };
        let body = Bytes::from_static(b"{}");
        if order_ids.all(is_taken_on) {
            return response(StatusCode::ACCEPTED, body);
        }
        let mut response = response(StatusCode::SERVICE_UNAVAILABLE, body);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        response
    }
}
