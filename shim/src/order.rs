//! The private routes of the component that works on orders, as this host calls them.
//!
//! Their contract is the component's; what it computes is not known here.

use crate::host::{Failure, Pool};
use bytes::Bytes;
use http::header::HeaderValue;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// What an answer of these routes holds at most.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long the answer's body may take once it began.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The route of sweeps.
const SWEEP: &str = "/sweep";

/// The header that carries the token of a claim.
const CLAIM_TOKEN: &str = "claim-token";

/// The W3C header that ties what is done for one request together.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The answer of a private route.
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its body.
    pub(crate) body: Bytes,
}

/// How an attempt ended, as the component tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Settled {
    /// The order's status now.
    pub(crate) status: String,
}

/// Claims the order with `token`, works on it, and returns when the attempt has settled.
pub(crate) async fn attempt(
    pool: &Pool,
    order_id: &str,
    token: Uuid,
    traceparent: Option<HeaderValue>,
) -> Result<Answer, Failure> {
    let mut request = http::Request::post(uri(&format!("/orders/{order_id}")))
        .header("prefer", "wait")
        .header(CLAIM_TOKEN, token.to_string());
    if let Some(traceparent) = traceparent {
        request = request.header(TRACEPARENT, traceparent);
    }
    call(pool, request).await
}

/// Hands a running claim back: the order is pending again, and the attempt is not counted.
pub(crate) async fn release(pool: &Pool, order_id: &str, token: Uuid) -> Result<Answer, Failure> {
    let request = http::Request::post(uri(&format!("/release/{order_id}")))
        .header(CLAIM_TOKEN, token.to_string());
    call(pool, request).await
}

/// Runs a sweep, if one is due.
pub(crate) async fn sweep(pool: &Pool) -> Result<Answer, Failure> {
    call(pool, http::Request::post(uri(SWEEP))).await
}

/// The order that a path is about, if its last segment is an id.
pub(crate) fn order_id(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    Uuid::try_parse(last).is_ok().then_some(last)
}

/// The order that a dispatch is for, if the request is one. One that prefers to wait is not: its
/// caller wants the component's own answer.
pub(crate) fn dispatched<B>(request: &http::Request<B>) -> Option<&str> {
    let id = request.uri().path().strip_prefix("/orders/")?;
    (request.method() == Method::POST
        && !id.is_empty()
        && !id.contains('/')
        && !request.headers().contains_key("prefer"))
    .then_some(id)
}

/// Whether the request is for a sweep.
pub(crate) fn is_sweep<B>(request: &http::Request<B>) -> bool {
    request.method() == Method::POST && request.uri().path() == SWEEP
}

fn uri(path: &str) -> String {
    format!("http://{}.spin.internal{path}", crate::config::PROCESSOR)
}

/// Makes a request without a body, and reads the whole answer.
pub(crate) async fn call(pool: &Pool, request: http::request::Builder) -> Result<Answer, Failure> {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = request
        .body(body)
        .map_err(|error| Failure::Refused(error.to_string().into()))?;
    let (parts, body) = pool.call(request).await?.into_parts();
    let body = tokio::time::timeout(ANSWER_MAX, Limited::new(body, ANSWER_BYTES_MAX).collect())
        .await
        .map_err(|_| Failure::TimedOut)?
        .map_err(|error| Failure::Refused(error.to_string().into()))?;
    Ok(Answer {
        status: parts.status,
        body: body.to_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019354a8-7c53-7d43-b8d8-4f5f1b4f2e11";

    fn request(method: &str, path: &str, prefer: bool) -> http::Request<()> {
        let mut request = http::Request::builder().method(method).uri(uri(path));
        if prefer {
            request = request.header("Prefer", "wait");
        }
        request.body(()).expect("a valid request")
    }

    #[test]
    fn a_dispatch_is_a_post_to_an_order_that_does_not_wait() {
        let path = format!("/orders/{ID}");
        assert_eq!(dispatched(&request("POST", &path, false)), Some(ID));
        assert_eq!(dispatched(&request("POST", &path, true)), None);
        assert_eq!(dispatched(&request("GET", &path, false)), None);
        assert_eq!(
            dispatched(&request("POST", &format!("/release/{ID}"), false)),
            None
        );
        assert_eq!(dispatched(&request("POST", "/orders/", false)), None);
        assert_eq!(
            dispatched(&request("POST", &format!("{path}/more"), false)),
            None
        );
    }

    #[test]
    fn an_order_id_is_the_last_segment_of_a_path_or_none() {
        assert_eq!(order_id(&format!("/orders/status/{ID}")), Some(ID));
        assert_eq!(order_id("/orders"), None);
        assert_eq!(order_id("/healthz"), None);
    }
}
