//! One request: which component it is for, what may go wrong, and what the client is told then.

use super::body::{BodyFailure, BoundedBody};
use super::cors::{self, Origins};
use super::forwarded::Proxies;
use super::gathered::Gatherer;
use super::health;
use super::peer::Peer;
use super::prefer::{PREFER, ask_not_to_wait, asks_for_stream, wait_seconds};
use super::problem::Problem;
use super::shares::network;
use super::target;
use super::until::Until;
use super::waiters::{Place, Waiters};
use crate::config::{App, Limits};
use crate::metrics::Metrics;
use crate::order::{TRACEPARENT, order_id};
use crate::routes::Routes;
use futures::FutureExt as _;
use host::Pool;
use http::header::{ALLOW, HeaderValue, ORIGIN};
use http::{Method, Response, StatusCode, request};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SetOnce};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::Request;

/// The component's variable that says for how long a client may have its answer held.
const MAX_WAIT_SECONDS: &str = "max_wait_seconds";
/// What it is where the component has no such variable.
const MAX_WAIT_SECONDS_DEFAULT: u64 = 60;

/// The path at which probes ask whether the service lives.
const HEALTH: &str = "/healthz";

/// What all connections share.
pub(crate) struct Server {
    routes: Routes,
    pools: HashMap<String, Pool>,
    pub(super) limits: Limits,
    pub(super) proxies: Proxies,
    origins: Origins,
    wait_seconds_max: u64,
    /// Requests that wait for their answer to begin.
    in_flight: AtomicUsize,
    /// Room for requests that components have in hand.
    room: Semaphore,
    gatherer: Gatherer,
    waiters: Waiters,
    pub(super) stopped: Arc<SetOnce<()>>,
    metrics: Metrics,
}

impl Server {
    /// Serves the routes of `app` from `pools`, and notes each request in `metrics`.
    pub(crate) fn new(app: &App, pools: HashMap<String, Pool>, metrics: Metrics) -> Self {
        let variable = |name| {
            let mut routes = app.routes.iter();
            routes.find_map(|route| app.components.get(&route.component)?.variables.get(name))
        };
        let wait_seconds_max = variable(MAX_WAIT_SECONDS).and_then(|value| value.parse().ok());
        let limits = app.limits.clone();
        Self {
            waiters: Waiters::new(
                waiters_max(&app.routes, &pools, &limits),
                limits.peer_waiters_max,
            ),
            routes: app.routes.clone(),
            pools,
            proxies: Proxies::new(app.proxies.clone()),
            origins: Origins::parse(variable(cors::VARIABLE).map_or("", String::as_str)),
            wait_seconds_max: wait_seconds_max.unwrap_or(MAX_WAIT_SECONDS_DEFAULT),
            in_flight: AtomicUsize::new(0),
            room: Semaphore::new(limits.requests_max.min(Semaphore::MAX_PERMITS)),
            gatherer: Gatherer::new(),
            limits,
            stopped: Arc::default(),
            metrics,
        }
    }

    /// Requests that wait for their answer to begin.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Stops: no more connections are taken, and what is held is answered.
    pub(crate) fn stop(&self) {
        // OK to ignore: it was stopped before.
        let _ = self.stopped.set(());
    }

    /// Resolves once the server is to stop.
    pub(super) async fn stopped(&self) {
        self.stopped.wait().await;
    }

    /// Answers one request, by a component or in its place.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        peer: Peer,
    ) -> Response<WasiBody> {
        let _counted = Counted::new(&self.in_flight);
        let (method, began) = (request.method().clone(), Instant::now());
        let origin = request.headers().get(ORIGIN).cloned();
        let answered = self.try_answer(request, &peer).await;
        let response = answered.unwrap_or_else(|problem| {
            let mut response = problem.response();
            if let Some(origin) = origin {
                self.origins.grant(&origin, response.headers_mut());
            }
            response
        });
        self.metrics
            .answered(&method, response.status(), began.elapsed());
        response
    }

    async fn try_answer(
        &self,
        request: http::Request<Incoming>,
        peer: &Peer,
    ) -> Result<Response<WasiBody>, Problem> {
        let (mut parts, incoming) = request.into_parts();
        let announced_bytes = incoming.size_hint().lower();
        let (body, body_failure) = self.bounded(incoming);
        if announced_bytes > self.limits.body_bytes_max {
            return Err(Problem::BodyTooLarge);
        }
        target::complete(&mut parts, &peer.found_at)?;
        let client = self.proxies.client(peer.address, &mut parts.headers);
        if parts.method == Method::OPTIONS && parts.uri.path() == "*" {
            return Ok(options());
        }
        if parts.uri.path() == HEALTH && parts.method.is_safe() {
            return health::answer(self.call(client, Request::from_parts(parts, body))).await;
        }
        let body = self.gatherer.gather(body).await;
        let problem = || body_failure.as_ref()?.problem();
        if let Some(problem) = problem() {
            return Err(problem);
        }
        let answered = self.answer_in_time(parts, body, client, peer).await;
        problem().map_or(answered, Err)
    }

    /// Answers at once, or when what the client waits for has happened, or bit by bit.
    async fn answer_in_time(
        &self,
        mut parts: request::Parts,
        body: WasiBody,
        client: IpAddr,
        peer: &Peer,
    ) -> Result<Response<WasiBody>, Problem> {
        if asks_for_stream(&parts.headers) {
            let place = self.place(&mut parts, client)?;
            let response = self.call(client, Request::from_parts(parts, body)).await?;
            return Ok(self.streamed(response, place, peer));
        }
        let Some(seconds) = wait_seconds(&parts.headers, self.wait_seconds_max) else {
            return self.call(client, Request::from_parts(parts, body)).await;
        };
        let Some(_place) = self.place(&mut parts, client)? else {
            return self.call(client, Request::from_parts(parts, body)).await;
        };
        ask_not_to_wait(&mut parts.headers);
        let asked = parts.clone();
        let first = self.call(client, Request::from_parts(parts, body)).await?;
        Ok(self.hold(first, asked, seconds, client, peer).await)
    }

    /// A place among those who wait.
    ///
    /// Where there is none, a request that changes nothing is refused. Any other goes on without
    /// its preference, which a server may ignore (RFC 7240, section 2).
    fn place(&self, parts: &mut request::Parts, client: IpAddr) -> Result<Option<Place>, Problem> {
        match self.waiters.admit(client) {
            Ok(place) => Ok(Some(place)),
            Err(problem) if parts.method.is_safe() => Err(problem),
            Err(_) => {
                parts.headers.remove(PREFER);
                Ok(None)
            }
        }
    }

    /// Has a stream end with its client and with the host.
    fn streamed(
        &self,
        response: Response<WasiBody>,
        place: Option<Place>,
        peer: &Peer,
    ) -> Response<WasiBody> {
        let (peer, stopped) = (peer.clone(), self.stopped.clone());
        let end = async move {
            tokio::select! {
                () = peer.closed_by_client() => {}
                () = stopped.wait() => {}
            }
        };
        response.map(|body| {
            if body.size_hint().exact().is_some() {
                return body;
            }
            Until::new(body, end.boxed(), place).boxed_unsync()
        })
    }

    /// Has the component answer that the path leads to. It holds its room until the component has
    /// answered, whether or not anybody waits for that.
    pub(super) async fn call(
        &self,
        client: IpAddr,
        request: Request,
    ) -> Result<Response<WasiBody>, Problem> {
        let _room = self.room.try_acquire().map_err(|_| Problem::Overloaded)?;
        // For the one line if the request fails: a URI shares its bytes, and so costs a count.
        let uri = request.uri().clone();
        let traceparent = request.headers().get(TRACEPARENT).cloned();
        let pool = self
            .routes
            .find(uri.path())
            .and_then(|route| self.pools.get(&route.component))
            .ok_or(Problem::NoRoute)?;
        let answered = tokio::time::timeout(
            Duration::from_secs(self.limits.request_seconds_max),
            pool.call_for(Some(network(client)), request),
        )
        .await
        .unwrap_or(Err(host::Error::TimedOut));
        answered.map_err(|error| {
            tracing::error!(
                order_id = order_id(uri.path()),
                traceparent = traceparent.as_ref().and_then(|value| value.to_str().ok()),
                path = uri.path(),
                error = error.to_string(),
                "a request failed"
            );
            match error {
                host::Error::Trapped(_) | host::Error::Refused(_) => Problem::GuestFailed,
                host::Error::TimedOut => Problem::GuestTooSlow,
                host::Error::Exhausted(_) => Problem::Overloaded,
            }
        })
    }

    fn bounded(&self, incoming: Incoming) -> (WasiBody, Option<BodyFailure>) {
        if incoming.is_end_stream() {
            // A body of no size needs no allocation, and most requests have none.
            return (
                Empty::new().map_err(|never| match never {}).boxed_unsync(),
                None,
            );
        }
        let pause_max = Duration::from_secs(self.limits.body_seconds_max);
        let (body, body_failure) =
            BoundedBody::new(incoming, self.limits.body_bytes_max, pause_max);
        (body.boxed_unsync(), Some(body_failure))
    }
}

/// How many may wait: never more than three quarters of what a component can have in hand, so that
/// there is room for those who only ask, health probes among them.
fn waiters_max(routes: &Routes, pools: &HashMap<String, Pool>, limits: &Limits) -> usize {
    let pools = routes
        .iter()
        .filter_map(|route| pools.get(&route.component));
    let room = pools.map(|pool| pool.policy().requests_max()).min();
    room.map_or(0, |room| room - room.div_ceil(4))
        .min(limits.waiters_max)
}

/// What may be done to the server as a whole (RFC 9110, section 9.3.7).
fn options() -> Response<WasiBody> {
    let body = Empty::new().map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_static("GET, HEAD, POST, DELETE, OPTIONS");
    response.headers_mut().insert(ALLOW, methods);
    response
}

/// One of a number, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(number: &'a AtomicUsize) -> Self {
        number.fetch_add(1, Relaxed);
        Self(number)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
