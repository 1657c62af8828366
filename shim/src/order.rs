//! The private routes of the component that works on orders, as this host calls them.
//!
//! Their contract is the component's; what it computes is not known here.

use crate::config::PROCESSOR;
use bytes::Bytes;
use host::Pool;
use http::header::HeaderValue;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;
use wasmtime_wasi_http::handler::{Request, Response};

/// What an answer of these routes holds at most: the ids of 400,000 orders that a sweep found due.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long the answer's body may take once it began.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The route of sweeps.
const SWEEP: &str = "/sweep";

/// The route that removes what retention has ended.
const EXPIRE: &str = "/expire";

/// The header that carries the token of a claim.
const CLAIM_TOKEN: &str = "claim-token";

/// The W3C header that ties what is done for one request together.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The header that says in which tenure a request is made.
const STORE_TENURE: &str = "store-tenure";

/// The header that says of an attempt that its instance has nothing else to do; in an answer, that
/// it has to be made like that. A boolean by RFC 8941.
const ATTEMPT_ALONE: &str = "attempt-alone";

/// A structured header's "yes".
const YES: &str = "?1";

/// The answer of a private route.
#[derive(Clone)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its body.
    pub(crate) body: Bytes,
    /// Whether it asks for the same again, alone in an instance.
    wants_alone: bool,
}

/// How an attempt ended, as the component tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settled {
    /// The order's status now.
    pub(crate) status: String,
    /// When the order is to be attempted again, if it is.
    pub(crate) next_attempt_at: Option<Timestamp>,
}

/// The component that works on orders.
#[derive(Clone)]
pub(crate) struct Processor {
    pool: Pool,
    tenure: Option<HeaderValue>,
}

impl Processor {
    /// The component of `pool`, whose claims of other tenures than `tenure` are dead.
    pub(crate) fn new(pool: Pool, tenure: Option<Uuid>) -> Self {
        let header = |id: Uuid| {
            // OK because a UUID is hexadecimal digits and hyphens.
            HeaderValue::try_from(id.to_string()).expect("an id is a header's value")
        };
        Self {
            pool,
            tenure: tenure.map(header),
        }
    }

    /// Claims the order with `token`, works on it, and returns when the attempt has settled. One
    /// that asks to be alone in its instance, because an earlier one was lost, is made so.
    pub(crate) async fn attempt(
        &self,
        order_id: &str,
        token: Uuid,
        traceparent: Option<HeaderValue>,
    ) -> Result<Answer, host::Error> {
        let request = |alone: bool| {
            let mut request = http::Request::post(uri(&format!("/orders/{order_id}")))
                .header("prefer", "wait")
                .header(CLAIM_TOKEN, token.to_string());
            if let Some(traceparent) = &traceparent {
                request = request.header(TRACEPARENT, traceparent);
            }
            if alone {
                request = request.header(ATTEMPT_ALONE, YES);
            }
            request
        };
        let is_alone = self.pool.isolates();
        let answer = self.call(request(is_alone), Isolation::Shared).await?;
        if answer.wants_alone && answer.status == StatusCode::CONFLICT && !is_alone {
            return self.call(request(true), Isolation::Alone).await;
        }
        Ok(answer)
    }

    /// Hands a running claim back: the order is pending again, and the attempt is not counted.
    pub(crate) async fn release(&self, order_id: &str, token: Uuid) -> Result<Answer, host::Error> {
        let request = http::Request::post(uri(&format!("/release/{order_id}")))
            .header(CLAIM_TOKEN, token.to_string());
        self.call(request, Isolation::Shared).await
    }

    /// Runs a sweep, if one is due, and asks to be told what it found.
    pub(crate) async fn sweep(&self) -> Result<Answer, host::Error> {
        let request = http::Request::post(uri(SWEEP)).header("prefer", "return=representation");
        self.call(request, Isolation::Shared).await
    }

    /// Removes what retention has ended.
    pub(crate) async fn expire(&self) -> Result<Answer, host::Error> {
        let request = http::Request::post(uri(EXPIRE));
        self.call(request, Isolation::Shared).await
    }

    /// Has the component answer a request of another.
    pub(crate) async fn pass(&self, mut request: Request) -> Result<Response, host::Error> {
        self.stamp(request.headers_mut());
        self.pool.call(request).await
    }

    fn stamp(&self, headers: &mut HeaderMap) {
        if let Some(tenure) = &self.tenure {
            headers.insert(STORE_TENURE, tenure.clone());
        }
    }

    async fn call(
        &self,
        request: http::request::Builder,
        isolation: Isolation,
    ) -> Result<Answer, host::Error> {
        let mut request = without_body(request)?;
        self.stamp(request.headers_mut());
        let response = match isolation {
            Isolation::Shared => self.pool.call(request).await?,
            Isolation::Alone => self.pool.call_alone(request).await?,
        };
        read(response).await
    }
}

/// What a request shares its instance with.
#[derive(Clone, Copy)]
enum Isolation {
    /// Others, at the same time.
    Shared,
    /// Nothing else.
    Alone,
}

/// The order that a path is about, if its last segment is an id.
pub(crate) fn order_id(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    Uuid::try_parse(last).is_ok().then_some(last)
}

/// The orders that a dispatch is for, if the request is one. One that prefers to wait is not: its
/// caller wants the component's own answer.
pub(crate) fn dispatched<B>(
    request: &http::Request<B>,
) -> Option<impl Iterator<Item = &str> + Clone> {
    let ids = request.uri().path().strip_prefix("/orders/")?;
    (request.method() == Method::POST
        && !ids.is_empty()
        && !ids.contains('/')
        && !request.headers().contains_key("prefer"))
    .then(|| ids.split(',').filter(|id| !id.is_empty()))
}

/// Whether the request is for a sweep.
pub(crate) fn is_sweep<B>(request: &http::Request<B>) -> bool {
    request.method() == Method::POST && request.uri().path() == SWEEP
}

fn uri(path: &str) -> String {
    format!("http://{PROCESSOR}.spin.internal{path}")
}

/// Makes a request without a body, and reads the whole answer.
pub(crate) async fn call(
    pool: &Pool,
    request: http::request::Builder,
) -> Result<Answer, host::Error> {
    read(pool.call(without_body(request)?).await?).await
}

fn without_body(request: http::request::Builder) -> Result<Request, host::Error> {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    request
        .body(body)
        .map_err(|error| host::Error::Refused(error.to_string().into()))
}

async fn read(response: Response) -> Result<Answer, host::Error> {
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(ANSWER_MAX, Limited::new(body, ANSWER_BYTES_MAX).collect())
        .await
        .map_err(|_| host::Error::TimedOut)?
        .map_err(|error| host::Error::Refused(error.to_string().into()))?;
    Ok(Answer {
        status: parts.status,
        body: body.to_bytes(),
        wants_alone: parts
            .headers
            .get(ATTEMPT_ALONE)
            .is_some_and(|value| value == YES),
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

    fn dispatched_ids(request: &http::Request<()>) -> Option<Vec<String>> {
        dispatched(request).map(|ids| ids.map(str::to_owned).collect())
    }

    #[test]
    fn a_dispatch_is_a_post_to_orders_that_does_not_wait() {
        let path = format!("/orders/{ID}");
        assert_eq!(
            dispatched_ids(&request("POST", &path, false)),
            Some(vec![ID.to_owned()])
        );
        assert_eq!(
            dispatched_ids(&request("POST", &format!("{path},{ID}"), false)),
            Some(vec![ID.to_owned(); 2])
        );
        assert_eq!(dispatched_ids(&request("POST", &path, true)), None);
        assert_eq!(dispatched_ids(&request("GET", &path, false)), None);
        assert_eq!(
            dispatched_ids(&request("POST", &format!("/release/{ID}"), false)),
            None
        );
        assert_eq!(dispatched_ids(&request("POST", "/orders/", false)), None);
        assert_eq!(
            dispatched_ids(&request("POST", &format!("{path}/more"), false)),
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
