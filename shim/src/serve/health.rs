//! Whether the service lives, which the host answers in the component's place when that does not:
//! a service that is only busy must not be restarted, and so be interrupted, for it.

use super::problem::Problem;
use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use std::time::Duration;
use wasmtime_wasi_http::WasiBody;

/// How long the component may take. Probes wait a second by default.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// What the component answers, or that it is busy.
pub(super) async fn answer(
    component: impl Future<Output = Result<Response<WasiBody>, Problem>>,
) -> Result<Response<WasiBody>, Problem> {
    match tokio::time::timeout(ANSWER_MAX, component).await {
        Err(_) | Ok(Err(Problem::Overloaded | Problem::GuestTooSlow)) => Ok(busy()),
        Ok(answered) => answered,
    }
}

fn busy() -> Response<WasiBody> {
    let json = Bytes::from_static(br#"{"status":"alive","guest":"busy"}"#);
    let body = Full::new(json).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
