//! Answers that are held until what the client waits for has happened (`Prefer: wait`, RFC 7240).
//!
//! It is the host that waits, and not the component: the component is asked not to, and asked again
//! now and then. A guest's call cannot be ended from outside, so a client that left would otherwise
//! keep its place in an instance for as long as it had meant to stay. Here what is held ends with
//! the client, or with the host, and no instance is taken up in between.

use super::peer::Peer;
use super::prefer::PREFERENCE_APPLIED;
use super::service::Server;
use bytes::Bytes;
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, EXPECT, IF_NONE_MATCH, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
    VARY,
};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri, request};
use http_body_util::{BodyExt as _, Empty, Full};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::Request;

/// The time to the second look. What has just begun may end soon, so it is short, and grows.
const LOOK_FIRST: Duration = Duration::from_millis(50);
/// The longest time between two looks.
const LOOK_LAST: Duration = Duration::from_secs(1);

/// Makes what was submitted the same again; of no use where its state is asked for.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What of a submission's head says something of its body, or of its repetition.
const OF_THE_SUBMISSION: [HeaderName; 6] = [
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    TRANSFER_ENCODING,
];

impl Server {
    /// Holds `first`, the answer to `asked`, for as long as it says that there is something to wait
    /// for: at most for `seconds`, while the client is there and the host goes on.
    pub(super) async fn hold(
        &self,
        first: Response<WasiBody>,
        asked: request::Parts,
        seconds: u64,
        client: IpAddr,
        peer: &Peer,
    ) -> Response<WasiBody> {
        let Some(question) = Question::after(&first, asked) else {
            return honoured(first, seconds);
        };
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let mut held = whole(first).await;
        let mut pause = LOOK_FIRST;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return honoured(held, seconds);
            }
            tokio::select! {
                () = peer.closed_by_client() => return cut_short(held),
                () = self.stopped() => return cut_short(held),
                () = sleep(pause.min(left)) => {}
            }
            pause = (pause * 3 / 2).min(LOOK_LAST);
            match self.call(client, question.request()).await {
                Ok(look) if is_open(&look) => held = question.merge(held, whole(look).await),
                Ok(look) if question.is_answered_by(&look) => {
                    return honoured(question.end(&held, look), seconds);
                }
                // What is held is true all the same, and says when to ask again.
                _ => return cut_short(held),
            }
        }
    }
}

/// What is asked now and then while an answer is held.
struct Question {
    parts: request::Parts,
    /// The answer that is held is that of a submission, which no later failure may hide.
    of_a_submission: bool,
}

impl Question {
    /// What to ask after `first`, the answer to `asked`, if that leaves anything to wait for.
    fn after(first: &Response<WasiBody>, asked: request::Parts) -> Option<Self> {
        if !is_open(first) {
            return None;
        }
        if asked.method.is_safe() {
            return Some(Self {
                parts: asked,
                of_a_submission: false,
            });
        }
        let mut parts = asked;
        parts.method = Method::GET;
        let mut uri = parts.uri.into_parts();
        let location = first.headers().get(LOCATION)?;
        uri.path_and_query = Some(PathAndQuery::try_from(location.as_bytes()).ok()?);
        parts.uri = Uri::from_parts(uri).ok()?;
        for name in &OF_THE_SUBMISSION {
            parts.headers.remove(name);
        }
        Some(Self {
            parts,
            of_a_submission: true,
        })
    }

    fn request(&self) -> Request {
        let body = Empty::new().map_err(|never| match never {});
        Request::from_parts(self.parts.clone(), body.boxed_unsync())
    }

    fn is_answered_by(&self, look: &Response<WasiBody>) -> bool {
        if self.of_a_submission {
            return is_applied(look);
        }
        !look.status().is_server_error()
    }

    /// The answer that `look` found, as the answer to what was asked at first.
    fn end(&self, held: &Response<WasiBody>, mut look: Response<WasiBody>) -> Response<WasiBody> {
        // By what an answer varies (RFC 9110 §12.5.5) is a matter of the resource that was asked.
        if self.of_a_submission
            && let Some(vary) = held.headers().get(VARY)
        {
            look.headers_mut().insert(VARY, vary.clone());
        }
        look
    }

    /// What is held after a look that found nothing to have ended.
    fn merge(&self, held: Response<WasiBody>, look: Response<WasiBody>) -> Response<WasiBody> {
        if !self.of_a_submission {
            return look;
        }
        // It is still the answer to the submission, and shows the order as it is now.
        let (mut merged, _) = held.into_parts();
        let (now, body) = look.into_parts();
        for name in [CONTENT_LENGTH, RETRY_AFTER] {
            if let Some(value) = now.headers.get(&name) {
                merged.headers.insert(name, value.clone());
            }
        }
        Response::from_parts(merged, body)
    }
}

/// Whether the component would have waited.
fn is_applied(response: &Response<WasiBody>) -> bool {
    response.headers().contains_key(PREFERENCE_APPLIED)
}

/// Whether it would have waited on.
fn is_open(response: &Response<WasiBody>) -> bool {
    let is_open = matches!(
        response.status(),
        StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NOT_MODIFIED
    );
    is_open && is_applied(response)
}

/// Says that the client's preference was followed, if the component follows it.
fn honoured(mut response: Response<WasiBody>, seconds: u64) -> Response<WasiBody> {
    if is_applied(&response) {
        let applied = HeaderValue::try_from(format!("wait={seconds}"));
        // OK because a number is a valid value.
        response
            .headers_mut()
            .insert(PREFERENCE_APPLIED, applied.expect("a valid value"));
    }
    response
}

/// Says nothing of a preference that was not followed to its end.
fn cut_short(mut response: Response<WasiBody>) -> Response<WasiBody> {
    response.headers_mut().remove(PREFERENCE_APPLIED);
    response
}

/// The response with all of its body, so that the component is done with it.
async fn whole(response: Response<WasiBody>) -> Response<WasiBody> {
    let (mut head, body) = response.into_parts();
    let bytes = if let Ok(body) = body.collect().await {
        body.to_bytes()
    } else {
        // The component failed after its head. The head tells the client where to ask again.
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(CONTENT_TYPE);
        Bytes::new()
    };
    let body = Full::new(bytes).map_err(|never| match never {});
    Response::from_parts(head, body.boxed_unsync())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(HeaderName, &str)]) -> Response<WasiBody> {
        let body = Full::new(Bytes::from_static(b"{}")).map_err(|never| match never {});
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        response
            .body(body.boxed_unsync())
            .expect("a valid response")
    }

    fn asked(method: Method) -> request::Parts {
        let request = http::Request::builder()
            .method(method)
            .uri("http://orders.example/orders")
            .header("authorization", "Bearer x")
            .header("idempotency-key", "7");
        request.body(()).expect("a valid request").into_parts().0
    }

    const APPLIED: (HeaderName, &str) = (PREFERENCE_APPLIED, "wait=0");

    #[test]
    fn a_submission_is_followed_by_its_location() {
        let first = answer(202, &[APPLIED, (LOCATION, "/orders/status/7")]);
        let question = Question::after(&first, asked(Method::POST)).expect("it is open");
        let request = question.request();
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.uri(), "http://orders.example/orders/status/7");
        assert!(request.headers().contains_key("authorization"));
        assert!(!request.headers().contains_key("idempotency-key"));
        assert!(question.is_answered_by(&answer(303, &[APPLIED])));
        assert!(!question.is_answered_by(&answer(404, &[])));
    }

    #[test]
    fn what_has_ended_or_does_not_wait_is_not_held() {
        assert!(Question::after(&answer(303, &[APPLIED]), asked(Method::GET)).is_none());
        assert!(Question::after(&answer(200, &[]), asked(Method::GET)).is_none());
        let applied = honoured(answer(303, &[APPLIED]), 60);
        assert_eq!(applied.headers()[PREFERENCE_APPLIED], "wait=60");
        assert!(!is_applied(&honoured(answer(404, &[]), 60)));
    }

    #[test]
    fn a_held_submission_shows_the_order_as_it_is_now() {
        let first = answer(202, &[APPLIED, (LOCATION, "/x"), (RETRY_AFTER, "1")]);
        let question = Question::after(&first, asked(Method::POST)).expect("it is open");
        let look = answer(200, &[APPLIED, (RETRY_AFTER, "7"), (CONTENT_LENGTH, "2")]);
        let held = question.merge(first, look);
        assert_eq!(held.status(), 202);
        assert_eq!(held.headers()[LOCATION], "/x");
        assert_eq!(held.headers()[RETRY_AFTER], "7");
        let held = answer(202, &[APPLIED, (VARY, "Prefer")]);
        let end = question.end(&held, answer(303, &[APPLIED, (VARY, "Accept, Prefer")]));
        assert_eq!(end.headers()[VARY], "Prefer");
    }
}
