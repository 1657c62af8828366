//! Requests, with no more of HTTP than tests need.
//!
//! Redirects are answers here, and not followed: where they lead is what is tested.

use std::io::Cursor;
use std::net::SocketAddr;

use ureq::http;
use ureq::http::request::Builder;
use ureq::{Agent, AsSendBody, SendBody};

use crate::context::Context;
use crate::{Contract, Response};

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
