//! Requests and responses, with no more of HTTP than tests look at.
//!
//! Redirects are answers here, and not followed: where they lead is what is tested.

use std::io::Cursor;
use std::net::SocketAddr;

use serde_json::Value;
use ureq::http::request::Builder;
use ureq::http::{self, HeaderMap};
use ureq::{Agent, AsSendBody, SendBody};

use crate::Contract;
use crate::context::Context;

/// A request that is being put together.
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    agent: Agent,
    head: Builder,
    line: String,
    body: Body,
}

enum Body {
    None,
    Sized(Vec<u8>),
    Chunked(Vec<u8>),
}

impl Request {
    pub(crate) fn new(agent: Agent, address: SocketAddr, method: &str, path: &str) -> Self {
        Self {
            agent,
            head: http::Request::builder()
                .method(method)
                .uri(format!("http://{address}{path}")),
            line: format!("{method} {path}"),
            body: Body::None,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head = self.head.header(name, value);
        self
    }

    /// Sends a body, and its length ahead of it.
    pub fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body = Body::Sized(bytes.as_ref().to_vec());
        self
    }

    /// Sends a body in chunks, so that its length is not known before its end.
    pub fn chunked_body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body = Body::Chunked(bytes.as_ref().to_vec());
        self
    }

    /// Sends the request and reads the whole answer.
    pub fn send(self) -> Response {
        let line = self.line.clone();
        self.try_send()
            .unwrap_or_else(|error| panic!("`{line}` was not answered: {error}"))
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Errors
    /// If no answer comes.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let response = match self.body {
            Body::None => answer_to(&self.agent, self.head.body(())?)?,
            Body::Sized(bytes) => answer_to(&self.agent, self.head.body(&bytes[..])?)?,
            Body::Chunked(bytes) => {
                let body = SendBody::from_owned_reader(Cursor::new(bytes));
                answer_to(&self.agent, self.head.body(body)?)?
            }
        };
        let (parts, mut body) = response.into_parts();
        let response = Response {
            line: self.line,
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.read_to_vec()?,
        };
        // Whatever a test asks for, the answer is one that the contract promises.
        Contract::read().assert_kept(&response);
        Ok(response)
    }
}

/// The answer to a request, within what remains of the test's time.
fn answer_to(
    agent: &Agent,
    request: http::Request<impl AsSendBody>,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    let remaining = Context::current().remaining("an answer");
    let request = agent
        .configure_request(request)
        .timeout_global(Some(remaining))
        .build();
    agent.run(request)
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The method and path that were asked for, to name the answer in a failure.
    pub line: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The content.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header; none if it is not there.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(
            values.next().is_none(),
            "`{}`: header `{name}` is there more than once",
            self.line
        );
        Some(
            value
                .to_str()
                .unwrap_or_else(|_| panic!("`{}`: header `{name}` is no text", self.line)),
        )
    }

    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The content as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("expected JSON, found {error} in {}", self.describe()))
    }

    /// Asserts the status code and the media type, and returns the content.
    #[track_caller]
    pub fn expect_json(&self, status: u16) -> Value {
        self.expect_status(status);
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{}",
            self.describe()
        );
        self.json()
    }

    /// Asserts the status code.
    #[track_caller]
    pub fn expect_status(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.describe());
    }

    /// The whole answer in words, for failures.
    pub fn describe(&self) -> String {
        let Self {
            line,
            status,
            headers,
            ..
        } = self;
        format!(
            "the answer to `{line}`: {status} {headers:?} {}",
            self.text()
        )
    }
}
