//! Requests to other components and servers, by whichever WASI carries them.

use std::time::Duration;

use crate::host::http::{BodyWriter, HttpResponse, send};
use crate::message::Body;

/// A request to another component or server. The host refuses one that `spin.toml` does not grant.
pub struct HttpRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) answer_max: Option<Duration>,
}

impl HttpRequest {
    /// A request by `method`, such as `PUT`, to `url`.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Body::Whole(Vec::new()),
            answer_max: None,
        }
    }

    /// A `GET` of `url`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST` to `url`.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub fn headers<N: Into<String>, V: Into<String>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let headers = headers.into_iter();
        self.headers
            .extend(headers.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Gives it `body`, and its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Whole(body.into());
        self
    }

    /// Gives it a body that `write` writes while it is sent, in chunks and with no length told, until
    /// `write` returns or the server takes no more.
    #[must_use]
    pub fn stream<F>(mut self, write: impl FnOnce(BodyWriter) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        self.body = Body::streamed(write);
        self
    }

    /// Asks the host to wait as long as `answer_max` for the answer to begin, and between two pieces of
    /// it, whatever it does by default. It is the caller who ends the wait.
    #[must_use]
    pub fn answer_max(mut self, answer_max: Duration) -> Self {
        self.answer_max = Some(answer_max);
        self
    }

    /// Sends it, and returns the answer's head as soon as it is there.
    ///
    /// # Errors
    /// With the cause alone, if the URL is none, a header is not valid, the host does not grant the
    /// server, or nobody answers: a URL may hold what only some may know.
    pub async fn send(mut self) -> Result<HttpResponse, String> {
        if let Body::Whole(body) = &self.body
            && (!body.is_empty() || self.method != "GET")
        {
            let length = body.len().to_string();
            self.headers.push(("content-length".to_owned(), length));
        }
        send(self).await
    }
}
