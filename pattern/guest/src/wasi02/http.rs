//! HTTP in and out, on the host's own types: a request's body is read only when asked
//! for and only up to a bound, and no header is copied that nobody looks at.
//!
//! A handle of the host must go before the one that it was made of. So fields and variables are in
//! the order in which they are dropped.

use std::time::Duration;

use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam, Scheme,
};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use super::task::{ready, spawn};
use crate::message::{Body, BodyError, NoUrl, RepeatedHeader, Response, Url, joined, single};
use crate::outgoing::HttpRequest;

/// How much of a body is asked for at once, in bytes.
const READ_BYTES: u64 = 16 * 1024;

/// A request as the host handed it over.
pub struct Request {
    headers: Fields,
    request: IncomingRequest,
}

impl Request {
    pub(super) fn new(request: IncomingRequest) -> Self {
        let headers = request.headers();
        Self { headers, request }
    }

    /// The method, in upper case for the registered ones.
    pub fn method(&self) -> String {
        match self.request.method() {
            Method::Get => "GET".to_owned(),
            Method::Head => "HEAD".to_owned(),
            Method::Post => "POST".to_owned(),
            Method::Put => "PUT".to_owned(),
            Method::Delete => "DELETE".to_owned(),
            Method::Connect => "CONNECT".to_owned(),
            Method::Options => "OPTIONS".to_owned(),
            Method::Trace => "TRACE".to_owned(),
            Method::Patch => "PATCH".to_owned(),
            Method::Other(method) => method,
        }
    }

    /// The path and query, as in the request line; `/` if there is none.
    pub fn target(&self) -> String {
        self.request
            .path_with_query()
            .unwrap_or_else(|| "/".to_owned())
    }

    /// The origin to which the request came, such as `http://localhost:3000`, if it says so. Proxies
    /// may have been in between.
    pub fn origin(&self) -> Option<String> {
        let authority = self
            .request
            .authority()
            .or_else(|| self.header("host").ok()?)?;
        let scheme = match self.request.scheme() {
            Some(Scheme::Https) => "https",
            _ => "http",
        };
        Some(format!("{scheme}://{authority}"))
    }

    /// The value of a header that may be there once; `name` in lower case. Bytes that are no text
    /// become U+FFFD.
    ///
    /// # Errors
    /// If it is there more often.
    pub fn header(&self, name: &'static str) -> Result<Option<String>, RepeatedHeader> {
        single(name, &self.headers.get(&name.to_owned()))
    }

    /// Every value of a header whose value is a list, joined; bytes as in [`header`](Self::header).
    pub fn list_header(&self, name: &str) -> Option<String> {
        joined(&self.headers.get(&name.to_owned()))
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`BodyError`]; no more than `bytes_max` bytes and one read have been taken in then.
    pub async fn body(self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.request.consume();
        BodyReader::new(body)?.collect(bytes_max).await
    }
}

/// Gives `response` to the host, and then its body.
pub(super) async fn respond(response: Response, out: ResponseOutparam) {
    let Response {
        status,
        headers,
        body,
    } = response;
    let head = match head(status, headers) {
        Ok(head) => head,
        Err(error) => return ResponseOutparam::set(out, Err(error)),
    };
    if body.is_empty() {
        return ResponseOutparam::set(out, Ok(head));
    }
    // OK because its body is asked for once.
    let outgoing = head.body().expect("a response has a body");
    ResponseOutparam::set(out, Ok(head));
    body.write_to(outgoing).await;
}

impl Body {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_empty())
    }

    /// Gives it to the host piece by piece.
    async fn write_to(self, outgoing: OutgoingBody) {
        // OK because its stream is asked for once.
        let stream = outgoing.write().expect("a body has a stream");
        let mut writer = BodyWriter { stream };
        match self {
            Self::Whole(body) => {
                writer.write(body).await;
                drop(writer);
            }
            Self::Streamed(write) => write(writer).await,
        }
        // A peer that is gone needs no end; there is nobody to tell.
        let _unfinished = OutgoingBody::finish(outgoing, None);
    }
}

fn head(status: u16, headers: Vec<(&'static str, String)>) -> Result<OutgoingResponse, ErrorCode> {
    let response = OutgoingResponse::new(fields(headers.into_iter())?);
    response
        .set_status_code(status)
        .map_err(|()| internal(&format!("`{status}` is no status code")))?;
    Ok(response)
}

/// The writing end of a streamed body.
pub struct BodyWriter {
    stream: OutputStream,
}

impl BodyWriter {
    /// Sends `bytes`; returns once the host has taken them, and whether the client is still there.
    pub async fn write(&mut self, bytes: Vec<u8>) -> bool {
        write_all(&self.stream, &bytes).await.is_ok()
    }

    /// Whether the client is still there, as far as the host knows; sends nothing.
    #[expect(
        clippy::unused_async,
        reason = "its counterpart of WASI 0.3 waits for the host"
    )]
    pub async fn is_open(&mut self) -> bool {
        self.stream.check_write().is_ok()
    }
}

async fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = room(stream).await?;
        let (now, later) = bytes.split_at(bytes.len().min(room));
        stream.write(now)?;
        bytes = later;
    }
    stream.flush()?;
    room(stream).await.map(drop)
}

/// How many bytes may be written, once that is at least one and nothing is being flushed.
async fn room(stream: &OutputStream) -> Result<usize, StreamError> {
    loop {
        match usize::try_from(stream.check_write()?) {
            Ok(0) => ready(stream.subscribe()).await,
            room => return Ok(room.unwrap_or(usize::MAX)),
        }
    }
}

/// The reading end of a body.
pub struct BodyReader {
    /// None once its end was reached.
    stream: Option<InputStream>,
    body: Option<IncomingBody>,
}

impl BodyReader {
    fn new(body: Result<IncomingBody, ()>) -> Result<Self, BodyError> {
        let body = body.map_err(|()| BodyError::Incomplete)?;
        // OK because its stream is asked for once.
        let stream = body.stream().expect("a body has a stream");
        Ok(Self {
            stream: Some(stream),
            body: Some(body),
        })
    }

    /// The next piece of it, of 16 KiB at most; `None` at its end.
    ///
    /// # Errors
    /// [`BodyError::Incomplete`] if it broke off.
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, BodyError> {
        while let Some(stream) = &self.stream {
            match stream.read(READ_BYTES) {
                Ok(piece) if piece.is_empty() => ready(stream.subscribe()).await,
                Ok(piece) => return Ok(Some(piece)),
                Err(StreamError::Closed) => self.stream = None,
                Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Incomplete),
            }
        }
        let Some(body) = self.body.take() else {
            return Ok(None);
        };
        // Only the trailers tell an end from a connection that broke.
        let trailers = IncomingBody::finish(body);
        loop {
            match trailers.get() {
                Some(Ok(Ok(_))) => return Ok(None),
                Some(_) => return Err(BodyError::Incomplete),
                None => ready(trailers.subscribe()).await,
            }
        }
    }
}

/// A response that came from another component or server.
pub struct HttpResponse {
    response: IncomingResponse,
}

impl HttpResponse {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// The first value of a header that is text; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        let values = self.response.headers().get(&name.to_owned());
        values
            .into_iter()
            .next()
            .and_then(|value| String::from_utf8(value).ok())
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`BodyError`], as for a request.
    pub async fn body(self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        self.into_reader()?.collect(bytes_max).await
    }

    /// The body, piece by piece.
    ///
    /// # Errors
    /// [`BodyError::Incomplete`] if the host has none.
    pub fn into_reader(self) -> Result<BodyReader, BodyError> {
        BodyReader::new(self.response.consume())
    }
}

/// Sends a request, and returns the answer's head as soon as it is there.
///
/// # Errors
/// With the cause, if the URL is none, a header is not valid, the host does not grant the server, or
/// nobody answers.
pub(crate) async fn send(request: HttpRequest) -> Result<HttpResponse, String> {
    let failed = |error: ErrorCode| format!("{error:?}");
    let parts = Url::parse(&request.url)?;
    let headers = request.headers.into_iter();
    let outgoing = OutgoingRequest::new(fields(headers).map_err(failed)?);
    let scheme = match parts.scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    outgoing
        .set_method(&method(request.method))
        .map_err(|()| "the method is not valid".to_owned())?;
    outgoing
        .set_scheme(Some(&scheme))
        .and_then(|()| outgoing.set_authority(Some(parts.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(parts.path_with_query)))
        .map_err(|()| NoUrl)?;
    if !request.body.is_empty() {
        let body = outgoing
            .body()
            .map_err(|()| "the request has no body".to_owned())?;
        // It is read only once the request is on its way.
        spawn(request.body.write_to(body));
    }
    let options = request.answer_max.map(options);
    let answer = outgoing_handler::handle(outgoing, options).map_err(failed)?;
    loop {
        match answer.get() {
            Some(Ok(Ok(response))) => return Ok(HttpResponse { response }),
            Some(Ok(Err(error))) => return Err(failed(error)),
            Some(Err(())) => return Err("the answer was taken already".to_owned()),
            None => ready(answer.subscribe()).await,
        }
    }
}

fn method(name: String) -> Method {
    match name.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        _ => Method::Other(name),
    }
}

/// What asks the host to wait for an answer for so long.
fn options(answer_max: Duration) -> RequestOptions {
    let options = RequestOptions::new();
    let ns = u64::try_from(answer_max.as_nanos()).ok();
    // A host that can do neither waits for as long as it sees fit.
    let _unsupported = options.set_first_byte_timeout(ns);
    let _unsupported = options.set_between_bytes_timeout(ns);
    options
}

fn fields(headers: impl Iterator<Item = (impl Into<String>, String)>) -> Result<Fields, ErrorCode> {
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.into(), value.into_bytes()))
        .collect();
    Fields::from_list(&headers)
        .map_err(|error| internal(&format!("a header was refused: {error:?}")))
}

fn internal(message: &str) -> ErrorCode {
    ErrorCode::InternalError(Some(message.to_owned()))
}
