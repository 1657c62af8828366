//! HTTP in and out, on the host's own types: a request's body is read only when asked
//! for and only up to a bound, and no header is copied that nobody looks at.
//!
//! A handle of the host must go before the one that it was made of. So fields and variables are in
//! the order in which they are dropped.

use std::time::Duration;

use wasi::http::outgoing_handler;
pub(crate) use wasi::http::types::Method;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody,
    OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam, Scheme,
};
use wasi::io::streams::{OutputStream, StreamError};

use super::task::{ready, spawn};
use crate::message::{Body, BodyError, NoUrl, RepeatedHeader, Response, Url, joined, single};

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
        collect(body.map_err(|()| BodyError::Incomplete)?, bytes_max).await
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
    if matches!(&body, Body::Whole(body) if body.is_empty()) {
        return ResponseOutparam::set(out, Ok(head));
    }
    // OK because its body is asked for once, and its stream once.
    let outgoing = head.body().expect("a response has a body");
    let stream = outgoing.write().expect("a body has a stream");
    ResponseOutparam::set(out, Ok(head));
    let mut writer = BodyWriter { stream };
    match body {
        Body::Whole(body) => {
            writer.write(body).await;
            drop(writer);
        }
        Body::Streamed(write) => write(writer).await,
    }
    // A client that is gone needs no end; there is nobody to tell.
    let _unfinished = OutgoingBody::finish(outgoing, None);
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

/// A response that came from another component or server.
pub struct HostResponse {
    response: IncomingResponse,
}

impl HostResponse {
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
        let body = self.response.consume();
        collect(body.map_err(|()| BodyError::Incomplete)?, bytes_max).await
    }
}

/// Sends a request to `url`, and returns the answer's head as soon as it is there. If `answer_max` is
/// given, the host is asked to wait for so long, for the head and between two pieces of the body.
///
/// # Errors
/// With the cause, if `url` is none, the host does not grant it, or nobody answers.
pub(crate) async fn call(
    method: &Method,
    url: &str,
    headers: impl Iterator<Item = (&'static str, String)>,
    body: Vec<u8>,
    answer_max: Option<Duration>,
) -> Result<HostResponse, String> {
    let failed = |error: ErrorCode| format!("{error:?}");
    let parts = Url::parse(url)?;
    let fields = fields(headers).map_err(failed)?;
    let request = OutgoingRequest::new(fields);
    let scheme = match parts.scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    request
        .set_method(method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(parts.authority)))
        .and_then(|()| request.set_path_with_query(Some(parts.path_with_query)))
        .map_err(|()| NoUrl)?;
    if !body.is_empty() {
        let outgoing = request
            .body()
            .map_err(|()| "the request has no body".to_owned())?;
        // It is read only once the request is on its way.
        spawn(send(outgoing, body));
    }
    let answer = outgoing_handler::handle(request, answer_max.map(options)).map_err(failed)?;
    loop {
        match answer.get() {
            Some(Ok(Ok(response))) => return Ok(HostResponse { response }),
            Some(Ok(Err(error))) => return Err(failed(error)),
            Some(Err(())) => return Err("the answer was taken already".to_owned()),
            None => ready(answer.subscribe()).await,
        }
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

/// Sends `bytes` as `body`. A server that has answered needs no more of it.
async fn send(body: OutgoingBody, bytes: Vec<u8>) {
    // OK because its stream is asked for once.
    let stream = body.write().expect("a body has a stream");
    let written = write_all(&stream, &bytes).await;
    drop(stream);
    if written.is_ok() {
        let _unfinished = OutgoingBody::finish(body, None);
    }
}

fn fields(headers: impl Iterator<Item = (&'static str, String)>) -> Result<Fields, ErrorCode> {
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    Fields::from_list(&headers)
        .map_err(|error| internal(&format!("a header was refused: {error:?}")))
}

async fn collect(body: IncomingBody, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    // OK because its stream is asked for once.
    let stream = body.stream().expect("a body has a stream");
    let mut taken = Vec::new();
    loop {
        match stream.read(READ_BYTES) {
            Ok(chunk) if chunk.is_empty() => ready(stream.subscribe()).await,
            Ok(mut chunk) => taken.append(&mut chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Incomplete),
        }
        if taken.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
    }
    drop(stream);
    // Only the trailers tell an end from a connection that broke.
    let trailers = IncomingBody::finish(body);
    loop {
        match trailers.get() {
            Some(Ok(Ok(_))) => return Ok(taken),
            Some(_) => return Err(BodyError::Incomplete),
            None => ready(trailers.subscribe()).await,
        }
    }
}

fn internal(message: &str) -> ErrorCode {
    ErrorCode::InternalError(Some(message.to_owned()))
}
