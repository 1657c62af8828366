//! HTTP in and out, on the host's own types: a request's body is read only when asked
//! for and only up to a bound, and no header is copied that nobody looks at.

use std::time::Duration;

use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Method, Request as HostRequest, RequestOptions, Response as WasiResponse,
    Scheme, Trailers,
};
use spin_sdk::wasip3::wit_bindgen::{
    FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter,
};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::message::{Body, BodyError, NoUrl, RepeatedHeader, Response, Url, joined, single};
use crate::outgoing::HttpRequest;

/// How much of a body is asked for at once, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// A request as the host handed it over.
pub struct Request {
    request: HostRequest,
    headers: Fields,
}

impl Request {
    #[doc(hidden)]
    pub fn new(request: HostRequest) -> Self {
        let headers = request.get_headers();
        Self { request, headers }
    }

    /// The method, in upper case for the registered ones.
    pub fn method(&self) -> String {
        match self.request.get_method() {
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
            .get_path_with_query()
            .unwrap_or_else(|| "/".to_owned())
    }

    /// The origin to which the request came, such as `http://localhost:3000`, if it says so. Proxies
    /// may have been in between.
    pub fn origin(&self) -> Option<String> {
        let authority = self
            .request
            .get_authority()
            .or_else(|| self.header("host").ok()?)?;
        let scheme = match self.request.get_scheme() {
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
        single(name, &self.headers.get(name))
    }

    /// Every value of a header whose value is a list, joined; bytes as in [`header`](Self::header).
    pub fn list_header(&self, name: &str) -> Option<String> {
        joined(&self.headers.get(name))
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`BodyError`]; no more than `bytes_max` bytes and one read have been taken in then.
    pub async fn body(self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        let (done, was_done) = wit_future::new(|| Ok(()));
        let (stream, trailers) = HostRequest::consume_body(self.request, was_done);
        BodyReader::new(stream, trailers, done)
            .collect(bytes_max)
            .await
    }
}

impl Response {
    #[doc(hidden)]
    pub fn into_host(self) -> Result<WasiResponse, ErrorCode> {
        let headers = fields(self.headers.into_iter())?;
        let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
        // No trailers: dropping the writer says so.
        drop(trailers_writer);
        let (response, _sent) = WasiResponse::new(headers, self.body.into_host(), trailers);
        response
            .set_status_code(self.status)
            .map_err(|()| internal(&format!("`{}` is no status code", self.status)))?;
        Ok(response)
    }
}

/// The writing end of a streamed body.
pub struct BodyWriter {
    writer: StreamWriter<u8>,
}

impl BodyWriter {
    /// Sends `bytes`; returns once the host has taken them, and whether the client is still there.
    pub async fn write(&mut self, bytes: Vec<u8>) -> bool {
        self.writer.write_all(bytes).await.is_empty()
    }

    /// Whether the client is still there, as far as the host knows; sends nothing.
    pub async fn is_open(&mut self) -> bool {
        let (result, _) = self.writer.write(Vec::new()).await;
        result != StreamResult::Dropped
    }
}

impl Body {
    /// A stream that gives it; none for an empty one.
    fn into_host(self) -> Option<StreamReader<u8>> {
        let (mut writer, reader) = wit_stream::new();
        match self {
            Self::Whole(body) if body.is_empty() => return None,
            Self::Whole(body) => spawn(async move {
                // A peer that is gone needs no body; there is nobody to tell.
                let _unwritten = writer.write_all(body).await;
            }),
            Self::Streamed(write) => spawn(write(BodyWriter { writer })),
        }
        Some(reader)
    }
}

/// The reading end of a body.
pub struct BodyReader {
    stream: StreamReader<u8>,
    /// None once they were read, which is the end.
    trailers: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
    is_at_end: bool,
    /// Tells the host, by being dropped, that nobody reads any more.
    _done: FutureWriter<Result<(), ErrorCode>>,
}

impl BodyReader {
    fn new(
        stream: StreamReader<u8>,
        trailers: FutureReader<Result<Option<Trailers>, ErrorCode>>,
        done: FutureWriter<Result<(), ErrorCode>>,
    ) -> Self {
        Self {
            stream,
            trailers: Some(trailers),
            is_at_end: false,
            _done: done,
        }
    }

    /// The next piece of it, of 16 KiB at most; `None` at its end.
    ///
    /// # Errors
    /// [`BodyError::Incomplete`] if it broke off.
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, BodyError> {
        while !self.is_at_end {
            let (result, piece) = self.stream.read(Vec::with_capacity(READ_BYTES)).await;
            match result {
                StreamResult::Complete(_) => {}
                StreamResult::Dropped => self.is_at_end = true,
                StreamResult::Cancelled => return Err(BodyError::Incomplete),
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        match self.trailers.take() {
            // Only the trailers tell an end from a connection that broke.
            Some(trailers) => match trailers.await {
                Ok(_) => Ok(None),
                Err(_) => Err(BodyError::Incomplete),
            },
            None => Ok(None),
        }
    }
}

/// A response that came from another component or server.
pub struct HttpResponse {
    response: WasiResponse,
}

impl HttpResponse {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.response.get_status_code()
    }

    /// The first value of a header that is text; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        let values = self.response.get_headers().get(name);
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
        let (done, was_done) = wit_future::new(|| Ok(()));
        let (stream, trailers) = WasiResponse::consume_body(self.response, was_done);
        Ok(BodyReader::new(stream, trailers, done))
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
    let fields = fields(headers).map_err(failed)?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    drop(trailers_writer);
    let options = request.answer_max.map(options);
    let (outgoing, _sent) = HostRequest::new(fields, request.body.into_host(), trailers, options);
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
    let response = client::send(outgoing).await.map_err(failed)?;
    Ok(HttpResponse { response })
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
