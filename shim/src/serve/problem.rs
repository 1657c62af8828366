//! The answers that this host gives in a component's place, as problem documents (RFC 9457).

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

/// Why no component answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The request names no host, or several, or none that is one.
    BadHost,
    /// The body is in a transfer coding that is not understood.
    UnknownCoding,
    /// No route leads anywhere.
    NoRoute,
    /// The client stopped sending.
    BodyTooSlow,
    /// The body is larger than any component is given.
    BodyTooLarge,
    /// The component failed.
    GuestFailed,
    /// Too much is going on.
    Overloaded,
    /// As many clients wait for an answer as may.
    TooManyWaiters,
    /// This client has as many answers held for it as one client may.
    WaitsTooOften,
    /// The component took too long.
    GuestTooSlow,
}

impl Problem {
    fn status(self) -> StatusCode {
        match self {
            Self::BadHost => StatusCode::BAD_REQUEST,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::GuestFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded | Self::TooManyWaiters => StatusCode::SERVICE_UNAVAILABLE,
            Self::WaitsTooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::GuestTooSlow => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::BadHost => "The request needs one Host header with a valid host.",
            Self::UnknownCoding => {
                "The request's body is in a transfer coding other than `chunked`."
            }
            Self::NoRoute => "Nothing is served at this path.",
            Self::BodyTooSlow => "The request's body did not arrive in time.",
            Self::BodyTooLarge => "The request's body is larger than this host accepts.",
            Self::GuestFailed => {
                "The request could not be answered because of a fault in the service."
            }
            Self::Overloaded => "The service is busy; try again later.",
            Self::TooManyWaiters => {
                "Too many clients wait already; ask without waiting, or try again later."
            }
            Self::WaitsTooOften => {
                "Too many answers are held for this client already; ask without waiting, or try again later."
            }
            Self::GuestTooSlow => "The request could not be answered in time.",
        }
    }

    /// The answer as a response.
    pub(super) fn response(self) -> Response<WasiBody> {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        // Nothing here needs escaping: every part is a constant.
        let json = format!(
            r#"{{"type":"about:blank","title":"{title}","status":{},"detail":"{}"}}"#,
            status.as_u16(),
            self.detail()
        );
        let body = Full::new(Bytes::from(json)).map_err(|never| match never {});
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if matches!(
            self,
            Self::Overloaded | Self::TooManyWaiters | Self::WaitsTooOften
        ) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // The rest of the body may still come, and is not read.
        if matches!(
            self,
            Self::BodyTooSlow | Self::BodyTooLarge | Self::UnknownCoding
        ) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_a_problem_document_that_repeats_its_status() {
        let response = Problem::Overloaded.response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["status"], 503);
        assert_eq!(problem["title"], "Service Unavailable");
    }
}
