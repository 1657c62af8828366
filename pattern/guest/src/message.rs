//! What is the same of HTTP whichever WASI carries it: responses as handlers make them, and
//! what headers and URLs say.

use futures::future::LocalBoxFuture;
use serde::Serialize;

use crate::host::http::{BodyReader, BodyWriter};

/// How much of a body that is part of the program is handed to the host at once, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than the caller allows.
    TooLarge,
    /// It broke off.
    Incomplete,
}

impl BodyReader {
    /// All of it.
    ///
    /// # Errors
    /// [`BodyError`]; no more than `bytes_max` bytes and one piece have been taken in then.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        let mut body = Vec::new();
        while let Some(mut piece) = self.read().await? {
            if body.is_empty() {
                body = piece;
            } else {
                body.append(&mut piece);
            }
            if body.len() > bytes_max {
                return Err(BodyError::TooLarge);
            }
        }
        Ok(body)
    }
}

/// A response that a handler gives.
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// What follows the head of a message that is sent.
pub(crate) enum Body {
    Whole(Vec<u8>),
    Streamed(Write),
}

/// What writes a streamed body.
type Write = Box<dyn FnOnce(BodyWriter) -> LocalBoxFuture<'static, ()>>;

impl Response {
    /// A response with `status`, no headers and no body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Whole(Vec::new()),
        }
    }

    /// A response whose body is `document`, as `application/json`.
    ///
    /// # Panics
    /// If `document` is not JSON, as a map with keys that are no strings is not.
    pub fn json(status: u16, document: &impl Serialize) -> Self {
        Self::typed_json(status, "application/json", document)
    }

    /// A response whose body is `document`, as another type of JSON.
    ///
    /// # Panics
    /// As [`json`](Self::json).
    pub fn typed_json(status: u16, content_type: &str, document: &impl Serialize) -> Self {
        let body = serde_json::to_vec(document).expect("a document has only strings for keys");
        Self::new(status)
            .header("content-type", content_type)
            .body(body)
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Adds a header; `name` in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says that it would be another with other values of these request headers (RFC 9110 §12.5.5).
    #[must_use]
    pub fn vary(mut self, names: &str) -> Self {
        match self.headers.iter_mut().find(|(name, _)| *name == "vary") {
            Some((_, listed)) => {
                listed.push_str(", ");
                listed.push_str(names);
            }
            None => self.headers.push(("vary", names.to_owned())),
        }
        self
    }

    /// Gives it `body`, and its length.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.headers
            .push(("content-length", body.len().to_string()));
        self.body = Body::Whole(body);
        self
    }

    /// Gives it a body that is part of the program, and its length. It is copied piece by piece, so
    /// that a client who takes it slowly holds one piece of it and not the whole.
    #[must_use]
    pub fn fixed_body(mut self, body: &'static [u8]) -> Self {
        self.headers
            .push(("content-length", body.len().to_string()));
        self.stream(move |mut writer| async move {
            for piece in body.chunks(PIECE_BYTES) {
                if !writer.write(piece.to_vec()).await {
                    return;
                }
            }
        })
    }

    /// Gives it a body that `write` writes after the head was sent, until it returns or the client is gone.
    #[must_use]
    pub fn stream<F>(mut self, write: impl FnOnce(BodyWriter) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        self.body = Body::streamed(write);
        self
    }
}

impl Body {
    pub(crate) fn streamed<F>(write: impl FnOnce(BodyWriter) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        Self::Streamed(Box::new(|writer| Box::pin(write(writer))))
    }
}

/// A header that may be there once and is there more often, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedHeader(pub &'static str);

/// The value of a header that is there once at most. Bytes that are no text become U+FFFD: what is
/// not understood must not pass for absent.
pub(crate) fn single(
    name: &'static str,
    values: &[Vec<u8>],
) -> Result<Option<String>, RepeatedHeader> {
    match values {
        [] => Ok(None),
        [value] => Ok(Some(String::from_utf8_lossy(value).into_owned())),
        // RFC 9110 §5.3: of several, the first is no better than the others, and to join them would
        // make a value that nobody sent.
        _ => Err(RepeatedHeader(name)),
    }
}

/// All values of a header whose value is a list, joined as RFC 9110 §5.3 allows; bytes as in [`single`].
pub(crate) fn joined(values: &[Vec<u8>]) -> Option<String> {
    let values: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// That a text is no URL to which a request can be sent. It does not tell the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoUrl;

impl From<NoUrl> for String {
    fn from(_: NoUrl) -> Self {
        "it is no URL to which a request can be sent".to_owned()
    }
}

/// The parts of a URL that a request has.
pub(crate) struct Url<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path_with_query: &'a str,
}

impl<'a> Url<'a> {
    /// # Errors
    /// If it is none.
    pub(crate) fn parse(url: &'a str) -> Result<Self, NoUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(NoUrl)?;
        let (authority, path_with_query) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        Ok(Self {
            scheme,
            authority,
            path_with_query,
        })
    }
}
