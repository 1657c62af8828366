//! A whole answer, and what tests ask of one.

use serde_json::Value;
use ureq::http::HeaderMap;

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
