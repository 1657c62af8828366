//! Clients who ask that their answer be held, or streamed: how many there may be at once.
//!
//! A component counts those of one instance alone. All of them are counted here, from what their
//! requests say, so that those who wait leave room for those who only ask.

use super::problem::Problem;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::WasiBody;

/// RFC 7240, section 2.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The places for those who wait.
pub(super) struct Waiters(Arc<Semaphore>);

/// A place, taken until the response has been sent or given up.
pub(super) struct Place(Option<OwnedSemaphorePermit>);

impl Waiters {
    pub(super) fn new(waiters_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(
            waiters_max.min(Semaphore::MAX_PERMITS),
        )))
    }

    /// Takes a place for `request` if it needs one.
    ///
    /// Where there is none, a request that changes nothing is refused. Any other goes on without
    /// its preference, which a server may ignore (RFC 7240, section 2).
    pub(super) fn admit<B>(&self, request: &mut Request<B>) -> Result<Place, Problem> {
        if !asks_to_wait(request.headers()) {
            return Ok(Place(None));
        }
        match self.0.clone().try_acquire_owned() {
            Ok(permit) => Ok(Place(Some(permit))),
            Err(_) if request.method().is_safe() => Err(Problem::TooManyWaiters),
            Err(_) => {
                request.headers_mut().remove(PREFER);
                Ok(Place(None))
            }
        }
    }
}

impl Place {
    /// Gives the place up at the end of `response`'s body, or when that is dropped.
    pub(super) fn hold(self, response: Response<WasiBody>) -> Response<WasiBody> {
        let Some(permit) = self.0 else {
            return response;
        };
        response.map(|body| {
            body.map_frame(move |frame| {
                let _until_dropped = &permit;
                frame
            })
            .boxed_unsync()
        })
    }
}

fn asks_to_wait(headers: &HeaderMap) -> bool {
    let mentions = |name: HeaderName, word: &str| {
        headers.get_all(name).iter().any(|value| {
            value
                .to_str()
                .is_ok_and(|value| value.to_ascii_lowercase().contains(word))
        })
    };
    mentions(PREFER, "wait") || mentions(ACCEPT, "text/event-stream")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use http_body_util::Empty;

    fn request(method: Method, name: HeaderName, value: &'static str) -> Request<()> {
        let request = Request::builder().method(method).header(name, value);
        request.body(()).expect("a valid request")
    }

    #[test]
    fn a_place_is_free_again_when_its_response_is_gone() {
        let waiters = Waiters::new(1);
        let mut stream = request(Method::GET, ACCEPT, "Text/Event-Stream");
        let place = waiters.admit(&mut stream).expect("the first has a place");
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let response = place.hold(Response::new(body));
        assert_eq!(
            waiters.admit(&mut stream).err(),
            Some(Problem::TooManyWaiters)
        );
        drop(response);
        assert!(waiters.admit(&mut stream).is_ok());
    }

    #[test]
    fn who_only_asks_needs_no_place() {
        let waiters = Waiters::new(0);
        let mut plain = request(Method::GET, ACCEPT, "application/json");
        assert!(waiters.admit(&mut plain).is_ok());
    }

    #[test]
    fn who_submits_is_never_refused_a_place_but_goes_on_without() {
        let waiters = Waiters::new(0);
        let mut submit = request(Method::POST, PREFER, "respond-async, wait=10");
        assert!(waiters.admit(&mut submit).is_ok());
        assert!(!submit.headers().contains_key(PREFER));
    }
}
