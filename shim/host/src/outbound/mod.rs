//! Requests that components send: only where the manifest lets them, and to other components of
//! the app without a network.

mod allowed_hosts;

pub use self::allowed_hosts::AllowedHosts;

use self::allowed_hosts::chained_component;
use crate::limits::InstanceLimits;
use futures::future::BoxFuture;
use http::HeaderName;
use http::header::{self, HOST};
use http_body_util::BodyExt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wasmtime_wasi_http::handler::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiHttpHooks, default_send_request};

/// How requests to `ID.spin.internal` are answered.
pub trait Chaining: Send + Sync {
    /// Answers a request to the component `target`.
    fn call(&self, target: &str, request: Request) -> BoxFuture<'static, Result<Response, Error>>;
}

/// The way to the other components, which is known only after all of them are.
pub type Chain = Arc<OnceLock<Arc<dyn Chaining>>>;

/// The way out of one component.
#[derive(Clone)]
pub(crate) struct Outbound(Arc<Shared>);

struct Shared {
    component: Arc<str>,
    allowed: AllowedHosts,
    chain: Chain,
    connect_max: Duration,
    response_default: Duration,
}

type Sent = Result<(Response, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl Outbound {
    pub(crate) fn new(
        component: Arc<str>,
        allowed: AllowedHosts,
        chain: Chain,
        limits: &InstanceLimits,
    ) -> Self {
        Self(Arc::new(Shared {
            component,
            allowed,
            chain,
            connect_max: Duration::from_secs(limits.outbound_connect_seconds_max),
            response_default: Duration::from_secs(limits.outbound_response_seconds),
        }))
    }
}

impl Shared {
    async fn send(&self, mut request: Request, options: Option<RequestOptions>) -> Sent {
        if !self.allowed.allows(request.uri()) {
            tracing::warn!(
                component = &*self.component,
                scheme = request.uri().scheme_str(),
                host = request.uri().host(),
                port = request.uri().port_u16(),
                "an outbound request was refused; grant it in `allowed_outbound_hosts`"
            );
            return Err(Error::HttpRequestDenied);
        }
        if let Some(target) = chained_component(request.uri()) {
            let target = target.to_owned();
            request.headers_mut().remove(HOST);
            let chain = self.chain.get().ok_or(Error::DestinationUnavailable)?;
            let response = chain.call(&target, request).await?;
            return Ok((response, Box::new(async { Ok(()) })));
        }
        self.send_out(request, options).await
    }

    async fn send_out(&self, request: Request, options: Option<RequestOptions>) -> Sent {
        let options = options.unwrap_or_default();
        let connect = options
            .connect_timeout
            .map_or(self.connect_max, |wanted| wanted.min(self.connect_max));
        // Whoever names a time has a reason: a component bounds its call by a variable of its own, and
        // a host that cut it off before would make that variable untrue.
        let first_byte = options.first_byte_timeout.unwrap_or(self.response_default);
        let between_bytes = options
            .between_bytes_timeout
            .unwrap_or(self.response_default);
        let options = RequestOptions {
            connect_timeout: Some(connect),
            first_byte_timeout: Some(first_byte),
            between_bytes_timeout: Some(between_bytes),
        };
        // The sum is waited for as well, because a TLS handshake has no limit of its own.
        let (response, io) = tokio::time::timeout(
            connect.saturating_add(first_byte),
            default_send_request(request, Some(options)),
        )
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
        Ok((response.map(BodyExt::boxed_unsync), Box::new(io)))
    }
}

impl WasiHttpHooks for Outbound {
    /// The same headers as by default, without an allocation for each question.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        matches!(
            *name,
            header::CONNECTION
                | HOST
                | header::PROXY_AUTHENTICATE
                | header::PROXY_AUTHORIZATION
                | header::TRANSFER_ENCODING
                | header::UPGRADE
        ) || matches!(
            name.as_str(),
            "keep-alive" | "proxy-connection" | "http2-settings"
        )
    }

    fn send_request(
        &mut self,
        request: Request,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let shared = self.0.clone();
        Box::new(async move { shared.send(request, options).await })
    }
}
