//! The admin address: `GET /metrics`, for those who run the service and not for its clients.

use crate::dispatch::Dispatcher;
use crate::metrics::Metrics;
use crate::serve::{Listener, Server};
use host::Pool;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once: a few scrapers, and a person who looks.
const CONNECTIONS_MAX: usize = 16;

/// How long a connection may be silent.
const HEADER_MAX: Duration = Duration::from_secs(75);

/// The text format that Prometheus asks for: `OpenMetrics` 1.0.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Serves what was counted and what goes on now until the runtime ends, also while the host drains.
pub(crate) async fn serve(listener: TcpListener, metrics: Metrics, now: Now) {
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    registry.register_collector(Box::new(now));
    let registry = Arc::new(registry);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // OK because the semaphore is never closed.
        let permit = room.clone().acquire_owned().await.expect("there is room");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = error.to_string(), "cannot accept connections");
                tokio::time::sleep(Listener::ACCEPT_AGAIN).await;
                continue;
            }
        };
        let registry = registry.clone();
        let service = service_fn(move |request| {
            let response = answer(&request, &registry);
            async { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // OK to ignore: the scraper's doing, and it asks again.
            let _ = connection.await;
            drop(permit);
        });
    }
}

fn answer<B>(request: &Request<B>, registry: &Registry) -> Response<String> {
    let mut response = Response::new(String::new());
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    } else {
        // OK because writing to a string does not fail.
        text::encode(response.body_mut(), registry).expect("metrics are text");
        response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    }
    response
}

/// Where to look for what goes on at the moment.
pub(crate) struct Now {
    server: Arc<Server>,
    pools: BTreeMap<String, Pool>,
    dispatcher: Option<Dispatcher>,
}

impl Now {
    /// Looks at these.
    pub(crate) fn new(
        server: Arc<Server>,
        pools: impl IntoIterator<Item = (String, Pool)>,
        dispatcher: Option<Dispatcher>,
    ) -> Self {
        Self {
            server,
            pools: pools.into_iter().collect(),
            dispatcher,
        }
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Now").finish_non_exhaustive()
    }
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |name: &'static str, help: &str, value: usize| {
            let gauge = ConstGauge::new(count(value));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge(
            "http_server_active_requests",
            "Requests of clients that wait for their answer to begin",
            self.server.in_flight(),
        )?;
        if let Some(dispatcher) = &self.dispatcher {
            gauge(
                "orders_attempts_running",
                "Dispatched orders that are being seen to",
                dispatcher.running(),
            )?;
            gauge(
                "orders_attempts_queued",
                "Dispatched orders that wait for their turn",
                dispatcher.queued(),
            )?;
        }
        let mut instances = encoder.encode_descriptor(
            "wasm_instances",
            "Instances of the component that live",
            None,
            MetricType::Gauge,
        )?;
        for (component, pool) in &self.pools {
            let labels = [("component", component.as_str())];
            ConstGauge::new(count(pool.instances())).encode(instances.encode_family(&labels)?)?;
        }
        let mut failures = encoder.encode_descriptor(
            "wasm_instance_failures",
            "Instances of the component that trapped, took too long, or could not be made",
            None,
            MetricType::Counter,
        )?;
        for (component, pool) in &self.pools {
            let labels = [("component", component.as_str())];
            ConstCounter::new(pool.failures()).encode(failures.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
