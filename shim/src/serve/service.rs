//! One request: which component it is for, what may go wrong, and what the client is told then.

use super::body::BoundedBody;
use super::problem::Problem;
use super::routes::Routes;
use super::waiters::Waiters;
use crate::config::Limits;
use crate::host::{Failure, Pool};
use crate::metrics::Metrics;
use crate::order::{TRACEPARENT, order_id};
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Response, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::Request;

/// What all connections share.
pub(crate) struct Server {
    routes: Routes,
    pools: HashMap<String, Pool>,
    pub(super) limits: Limits,
    /// Requests that wait for a response.
    in_flight: AtomicUsize,
    waiters: Waiters,
    metrics: Metrics,
}

impl Server {
    /// Serves `routes` from `pools`, within `limits`, and notes each request in `metrics`.
    pub(crate) fn new(
        routes: Routes,
        pools: HashMap<String, Pool>,
        limits: Limits,
        metrics: Metrics,
    ) -> Self {
        let waiters_max = waiters_max(&routes, &pools, &limits);
        Self {
            routes,
            pools,
            waiters: Waiters::new(waiters_max),
            limits,
            in_flight: AtomicUsize::new(0),
            metrics,
        }
    }

    /// Requests that wait for a response.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Answers one request, by a component or in its place.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
    ) -> Response<WasiBody> {
        let (method, began) = (request.method().clone(), Instant::now());
        let response = self.answer_or_refuse(request).await;
        self.metrics
            .answered(&method, response.status(), began.elapsed());
        response
    }

    async fn answer_or_refuse(&self, mut request: http::Request<Incoming>) -> Response<WasiBody> {
        let place = match self.waiters.admit(&mut request) {
            Ok(place) => place,
            Err(problem) => return problem.response(),
        };
        match self.try_answer(request).await {
            Ok(response) => place.hold(response),
            Err(problem) => problem.response(),
        }
    }

    async fn try_answer(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<Response<WasiBody>, Problem> {
        let _slot = self.slot()?;
        let (mut parts, incoming) = request.into_parts();
        let pool = self
            .routes
            .find(parts.uri.path())
            .and_then(|route| self.pools.get(&route.component))
            .ok_or(Problem::NoRoute)?;
        let announced_bytes = incoming.size_hint().lower();
        let (body, verdict) = self.bounded(incoming);
        if announced_bytes > self.limits.body_bytes_max {
            return Err(Problem::BodyTooLarge);
        }
        parts.uri = absolute(parts.uri, &parts.headers)?;
        // For the one line if the request fails: a URI shares its bytes, and so costs a count.
        let uri = parts.uri.clone();
        let traceparent = parts.headers.get(TRACEPARENT).cloned();
        let request = Request::from_parts(parts, body);
        let answered = tokio::time::timeout(
            Duration::from_secs(self.limits.request_seconds_max),
            pool.call(request),
        )
        .await
        .unwrap_or(Err(Failure::TimedOut));
        if let Some(problem) = verdict.and_then(|verdict| verdict.problem()) {
            return Err(problem);
        }
        answered.map_err(|failure| {
            tracing::error!(
                order_id = order_id(uri.path()),
                traceparent = traceparent.as_ref().and_then(|value| value.to_str().ok()),
                path = uri.path(),
                error = failure.to_string(),
                "a request failed"
            );
            match failure {
                Failure::Trapped(_) | Failure::Refused(_) => Problem::GuestFailed,
                Failure::TimedOut => Problem::GuestTooSlow,
                Failure::Exhausted(_) => Problem::Overloaded,
            }
        })
    }

    /// One of the requests that may be in flight, until it is dropped.
    fn slot(&self) -> Result<Slot<'_>, Problem> {
        let slot = Slot(&self.in_flight);
        if self.in_flight.fetch_add(1, Relaxed) < self.limits.requests_max {
            Ok(slot)
        } else {
            Err(Problem::Overloaded)
        }
    }

    fn bounded(&self, incoming: Incoming) -> (WasiBody, Option<super::body::Verdict>) {
        if incoming.is_end_stream() {
            // A body of no size needs no allocation, and most requests have none.
            return (
                Empty::new().map_err(|never| match never {}).boxed_unsync(),
                None,
            );
        }
        let pause_max = Duration::from_secs(self.limits.body_seconds_max);
        let (body, verdict) = BoundedBody::new(incoming, self.limits.body_bytes_max, pause_max);
        (body.boxed_unsync(), Some(verdict))
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

struct Slot<'a>(&'a AtomicUsize);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The URI as the client meant it. A server is sent a path, and a `Host` header beside it (RFC
/// 9112, section 3.2); components are not shown that header, and read the host from the URI.
fn absolute(uri: Uri, headers: &HeaderMap) -> Result<Uri, Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let mut parts = uri.into_parts();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Problem::BadHost);
    }
    // A URI that names its host itself wins (section 3.2.2).
    if parts.authority.is_none() {
        let host = host.ok_or(Problem::BadHost)?;
        let host = Authority::try_from(host.as_bytes()).map_err(|_| Problem::BadHost)?;
        parts.authority = Some(host);
    }
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).map_err(|_| Problem::BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn uri(uri: &str, hosts: &[&str]) -> Result<String, Problem> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).expect("a valid value"));
        }
        absolute(uri.parse().expect("a valid URI"), &headers).map(|uri| uri.to_string())
    }

    #[test]
    fn the_host_header_completes_the_uri() {
        assert_eq!(
            uri("/orders?x=1", &["example.com:8080"]).as_deref(),
            Ok("http://example.com:8080/orders?x=1")
        );
        assert_eq!(
            uri("http://a.test/x", &["b.test"]).as_deref(),
            Ok("http://a.test/x")
        );
    }

    #[test]
    fn a_request_without_exactly_one_valid_host_is_refused() {
        assert_eq!(uri("/", &[]), Err(Problem::BadHost));
        assert_eq!(uri("/", &["a.test", "b.test"]), Err(Problem::BadHost));
        assert_eq!(uri("/", &["not a host"]), Err(Problem::BadHost));
    }
}
