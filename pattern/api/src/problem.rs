//! Problems: every error that a client can get, as RFC 9457 documents.
//!
//! The only file that knows error status codes. Each code has a page in
//! `docs/problems/`, which the service serves at the problem's `type`.

use guest::{BodyError, RepeatedHeader, Response, VariableFault};
use protocol::{IllegalTransition, OrderId, StoreError, SubmitError, UpdateError};
use serde::Serialize;
use work::{Fault, InvalidOrder};

/// The status of the result of an order that failed.
pub const ORDER_FAILED: u16 = 500;
/// The status by which a component says that its variables are not what they must be.
pub const MISCONFIGURED: u16 = 503;
/// The status of the result of an order that was cancelled: there will never be one.
pub const ORDER_CANCELLED: u16 = 410;

/// When to try again where somebody has to correct something first, in seconds.
const CORRECTED_SECONDS: &str = "10";

/// The kinds of problem: code, status and title, which are the same each time, and the page.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $status:literal, $title:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$kind,)*];

            const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            const fn status(self) -> u16 {
                match self { $(Self::$kind => $status,)* }
            }

            const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            const fn page(self) -> &'static str {
                match self {
                    $(Self::$kind => include_str!(concat!("../../../docs/problems/", $code, ".md")),)*
                }
            }
        }
    };
}

kinds! {
    /// The body is not one JSON text.
    MalformedBody = "malformed-body", 400, "The request body is not valid JSON";
    /// The `Idempotency-Key` is not one.
    InvalidIdempotencyKey = "invalid-idempotency-key", 400, "The idempotency key is not valid";
    /// The `Notify-Url` is none, or not one that is allowed.
    InvalidNotifyUrl = "invalid-notify-url", 400, "The URL to notify is not allowed";
    /// A header that may be there once is there more often.
    RepeatedHeader = "repeated-header", 400, "A header was sent more than once";
    /// The query string asks for what there is not.
    InvalidQuery = "invalid-query", 400, "The query is not valid";
    /// No token, or none that is known.
    Unauthorized = "unauthorized", 401, "A valid token is required";
    /// The path names nothing.
    NotFound = "not-found", 404, "There is nothing at this path";
    /// The id names no order.
    OrderNotFound = "order-not-found", 404, "There is no such order";
    /// The order has not ended yet.
    ResultNotReady = "result-not-ready", 404, "The order has no result yet";
    /// The resource has no such method.
    MethodNotAllowed = "method-not-allowed", 405, "The method is not allowed here";
    /// The order has ended, so that it cannot be cancelled.
    OrderEnded = "order-ended", 409, "The order has already ended";
    /// The body is longer than `max_body_bytes`.
    BodyTooLarge = "body-too-large", 413, "The request body is too large";
    /// The body is not JSON by its type.
    UnsupportedMediaType = "unsupported-media-type", 415, "The request body must be JSON";
    /// The body is compressed, or encoded otherwise.
    UnsupportedContentEncoding = "unsupported-content-encoding", 415, "The request body must not be encoded";
    /// The body is JSON but no order.
    InvalidOrder = "invalid-order", 422, "The order is not valid";
    /// The `Idempotency-Key` came with another body before.
    IdempotencyKeyReused = "idempotency-key-reused", 422, "The idempotency key was used for another order";
    /// The owner has as many open orders as it may.
    TooManyOpenOrders = "too-many-open-orders", 429, "Too many orders are open";
    /// A fault of the service.
    InternalError = "internal-error", 500, "The service failed to answer";
    /// Variables are not what they must be.
    Misconfigured = "misconfigured", 503, "The service is not configured";
    /// As many clients wait as may.
    TooManyWaiters = "too-many-waiters", 503, "Too many clients are waiting";
    /// The store does not answer.
    StoreUnavailable = "store-unavailable", 503, "The store is not available";
}

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    // Boxed, as a problem is the other half of most results here, and should be small.
    errors: Box<[Fault]>,
    faults: Box<[VariableFault]>,
    links: Option<StatusLink>,
    headers: Vec<(&'static str, String)>,
    /// For the log, and never for the client.
    cause: Option<Box<str>>,
}

#[derive(Clone, Debug, Serialize)]
struct StatusLink {
    status: Box<str>,
}

impl Problem {
    /// `path` names nothing.
    pub fn not_found(path: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is nothing at `{path}`"))
    }

    /// `id` names no order.
    pub fn order_not_found(id: &str) -> Self {
        Self::new(Kind::OrderNotFound, format!("there is no order `{id}`"))
    }

    /// The order is still open; `status` is where it stands.
    pub fn result_not_ready(id: OrderId, status: String) -> Self {
        let detail = format!("order `{id}` has not ended yet; its status says when to ask again");
        let links = Some(StatusLink {
            status: status.into(),
        });
        Self {
            links,
            ..Self::new(Kind::ResultNotReady, detail)
        }
    }

    /// The resource allows only the methods in `allow`.
    pub fn method_not_allowed(method: &str, allow: &str) -> Self {
        let problem = Self::new(
            Kind::MethodNotAllowed,
            format!("expected one of {allow}, found `{method}`"),
        );
        // RFC 9110 §15.5.6: Allow is required.
        Self {
            headers: vec![("allow", allow.to_owned())],
            ..problem
        }
    }

    /// The body is longer than `bytes_max`.
    pub fn too_large(bytes_max: usize) -> Self {
        Self::new(
            Kind::BodyTooLarge,
            format!("expected at most {bytes_max} bytes"),
        )
    }

    /// The body could not be read.
    pub fn body(error: BodyError, bytes_max: usize) -> Self {
        match error {
            BodyError::TooLarge => Self::too_large(bytes_max),
            BodyError::Incomplete => {
                Self::new(Kind::MalformedBody, "the body broke off".to_owned())
            }
        }
    }

    /// The body says that it is something other than JSON.
    pub fn unsupported_media_type(found: &str) -> Self {
        Self::new(
            Kind::UnsupportedMediaType,
            format!("expected `application/json`, found `{found}`"),
        )
    }

    /// The body is encoded in a way that this service does not undo.
    pub fn unsupported_content_encoding(found: &str) -> Self {
        let problem = Self::new(
            Kind::UnsupportedContentEncoding,
            format!("expected a body without `Content-Encoding`, found `{found}`"),
        );
        // RFC 9110 §15.5.16: so the client can tell that the coding is at fault and not the type.
        Self {
            headers: vec![("accept-encoding", "identity".to_owned())],
            ..problem
        }
    }

    /// The `Idempotency-Key` is not one.
    pub fn invalid_idempotency_key(detail: &str) -> Self {
        Self::new(
            Kind::InvalidIdempotencyKey,
            format!("the header `Idempotency-Key`: {detail}"),
        )
    }

    /// The `Notify-Url` is none, or not one that is allowed.
    pub fn invalid_notify_url(detail: &str) -> Self {
        Self::new(
            Kind::InvalidNotifyUrl,
            format!("the header `Notify-Url`: {detail}"),
        )
    }

    /// The query string asks for what there is not.
    pub fn invalid_query(detail: &str) -> Self {
        Self::new(Kind::InvalidQuery, detail.to_owned())
    }

    /// No token was presented.
    pub fn unauthorized() -> Self {
        Self::unauthorized_with("Bearer realm=\"orders\"")
    }

    /// A token was presented that is not known.
    pub fn invalid_token() -> Self {
        // RFC 6750 §3.1: an error code only where a token was sent.
        Self::unauthorized_with("Bearer realm=\"orders\", error=\"invalid_token\"")
    }

    fn unauthorized_with(challenge: &str) -> Self {
        let problem = Self::new(
            Kind::Unauthorized,
            "expected `Authorization: Bearer` with a known token".to_owned(),
        );
        // RFC 9110 §15.5.2: WWW-Authenticate is required; RFC 6750 §3: with a parameter at least.
        Self {
            headers: vec![("www-authenticate", challenge.to_owned())],
            ..problem
        }
    }

    /// As many clients wait as may.
    pub fn too_many_waiters() -> Self {
        let problem = Self::new(
            Kind::TooManyWaiters,
            "poll instead, or wait again later".to_owned(),
        );
        Self {
            headers: vec![("retry-after", "1".to_owned())],
            ..problem
        }
    }

    /// The owner has used up its share of open orders.
    pub fn too_many_open_orders() -> Self {
        let detail = "as many of your orders are open as may be; send more when some have ended";
        Self {
            headers: vec![("retry-after", "10".to_owned())],
            ..Self::new(Kind::TooManyOpenOrders, detail.to_owned())
        }
    }

    /// Variables are not what they must be, so that nothing is accepted.
    pub fn misconfigured(faults: Vec<VariableFault>) -> Self {
        let names: Vec<_> = faults
            .iter()
            .map(|fault| format!("`{}`", fault.variable))
            .collect();
        let detail = format!(
            "nothing is accepted until these variables are corrected: {}; `faults` says how",
            names.join(", ")
        );
        let sentences: Vec<_> = faults.iter().map(|fault| fault.detail.as_str()).collect();
        Self {
            cause: Some(sentences.join("; ").into()),
            faults: faults.into(),
            headers: vec![("retry-after", CORRECTED_SECONDS.to_owned())],
            ..Self::new(Kind::Misconfigured, detail)
        }
    }

    /// The same, kept out of the log: for an asker who is told everything and tells it on.
    pub fn unlogged(self) -> Self {
        Self {
            cause: None,
            ..self
        }
    }

    /// A fault of the service; `cause` is logged and not told.
    pub fn internal(cause: String) -> Self {
        let detail = "the service failed; its log tells why".to_owned();
        Self {
            cause: Some(cause.into()),
            ..Self::new(Kind::InternalError, detail)
        }
    }

    fn new(kind: Kind, detail: String) -> Self {
        Self {
            kind,
            detail,
            errors: Box::default(),
            faults: Box::default(),
            links: None,
            headers: Vec::new(),
            cause: None,
        }
    }

    /// The problem document. The cause is logged here, once.
    pub fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            eprintln!("{cause}");
        }
        let document = Document {
            r#type: type_path(self.kind),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: self.detail,
            errors: self.errors,
            faults: self.faults,
            links: self.links,
        };
        let response =
            Response::typed_json(self.kind.status(), "application/problem+json", &document)
                .header("cache-control", "no-store");
        self.headers
            .into_iter()
            .fold(response, |response, (name, value)| {
                response.header(name, value)
            })
    }
}

/// RFC 9457 §3.1, with the members of ours that the problem's page tells of.
#[derive(Serialize)]
struct Document {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: Box<[Fault]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: Box<[VariableFault]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<StatusLink>,
}

impl From<RepeatedHeader> for Problem {
    fn from(RepeatedHeader(name): RepeatedHeader) -> Self {
        let detail = format!("expected the header `{name}` once at most, found it more than once");
        Self::new(Kind::RepeatedHeader, detail)
    }
}

impl From<InvalidOrder> for Problem {
    fn from(error: InvalidOrder) -> Self {
        match error {
            InvalidOrder::Malformed(detail) => Self::new(Kind::MalformedBody, detail),
            InvalidOrder::Invalid(errors) => {
                let detail = format!(
                    "{} of the order's values must be corrected; `errors` lists them",
                    errors.len()
                );
                Self {
                    errors: errors.into(),
                    ..Self::new(Kind::InvalidOrder, detail)
                }
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail =
            "the store does not answer; nothing was accepted or changed for certain".to_owned();
        Self {
            headers: vec![("retry-after", "1".to_owned())],
            cause: Some(error.to_string().into()),
            ..Self::new(Kind::StoreUnavailable, detail)
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::KeyReused => Self::new(Kind::IdempotencyKeyReused, error.to_string()),
            SubmitError::Damaged(cause) => Self::internal(cause),
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<UpdateError<IllegalTransition>> for Problem {
    fn from(error: UpdateError<IllegalTransition>) -> Self {
        match error {
            UpdateError::NotFound(id) => Self::order_not_found(&id.to_string()),
            UpdateError::Refused(refused) => Self::new(Kind::OrderEnded, refused.to_string()),
            UpdateError::Damaged { .. } => Self::internal(error.to_string()),
            UpdateError::Store(error) => error.into(),
        }
    }
}

impl From<UpdateError<std::convert::Infallible>> for Problem {
    fn from(error: UpdateError<std::convert::Infallible>) -> Self {
        match error {
            UpdateError::Store(error) => error.into(),
            other => Self::internal(other.to_string()),
        }
    }
}

/// The page that a problem's `type` leads to, if `code` is a problem's.
pub fn page(code: &str) -> Option<Response> {
    let kind = Kind::ALL.iter().find(|kind| kind.code() == code)?;
    let body = kind.page().as_bytes().to_vec();
    Some(
        Response::new(200)
            .header("content-type", "text/markdown; charset=utf-8")
            .body(body),
    )
}

/// A problem's `type`: relative, so that it is the same wherever the service runs, and leads to its page there.
fn type_path(kind: Kind) -> String {
    format!("/problems/{}", kind.code())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::openapi;

    #[test]
    fn the_openapi_document_has_each_problem_and_no_other() {
        let document = openapi::document();
        let examples = document["components"]["examples"].as_object();
        let documented: BTreeSet<_> = examples
            .expect("examples")
            .values()
            .map(|example| &example["value"])
            .filter(|value| value["type"].is_string())
            .map(|problem| ["type", "title", "status"].map(|name| problem[name].to_string()))
            .collect();
        let known = Kind::ALL.iter().map(|kind| {
            let values = [
                type_path(*kind).into(),
                kind.title().into(),
                kind.status().into(),
            ];
            values.map(|value: Value| value.to_string())
        });
        assert_eq!(documented, known.collect());

        let codes = &document["components"]["parameters"]["ProblemCode"]["schema"]["enum"];
        let codes: BTreeSet<_> = codes
            .as_array()
            .expect("codes")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(codes, Kind::ALL.iter().map(|kind| kind.code()).collect());
    }
}
