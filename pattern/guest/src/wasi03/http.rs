//! HTTP in and out, on the host's own types: a request's body is read only when asked
//! for and only up to a bound, and no header is copied that nobody looks at.

use std::time::Duration;

use spin_sdk::wasip3::http::client;
pub(crate) use spin_sdk::wasip3::http::types::Method;
use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Request as HostRequest, RequestOptions, Response as WasiResponse, Scheme,
};
use spin_sdk::wasip3::wit_bindgen::{StreamReader, StreamResult, StreamWriter};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::message::{Body, BodyError, NoUrl, RepeatedHeader, Response, Url, joined, single};

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
        let (_done, done) = wit_future::new(|| Ok(()));
        let (mut stream, trailers) = HostRequest::consume_body(self.request, done);
        let body = collect(&mut stream, bytes_max).await?;
        // Only the trailers tell an end from a connection that broke.
        trailers
            .await
            .map(|_| body)
            .map_err(|_| BodyError::Incomplete)
    }
}

impl Response {
    #[doc(hidden)]
    pub fn into_host(self) -> Result<WasiResponse, ErrorCode> {
        let headers = fields(self.headers.into_iter())?;
        let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
        // No trailers: dropping the writer says so.
        drop(trailers_writer);
        let body = match self.body {
            Body::Whole(body) => stream_of(body),
            Body::Streamed(write) => {
                let (writer, reader) = wit_stream::new();
                spawn(write(BodyWriter { writer }));
                Some(reader)
            }
        };
        let (response, _sent) = WasiResponse::new(headers, body, trailers);
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

/// A response that came from another component or server.
pub struct HostResponse {
    response: WasiResponse,
}

impl HostResponse {
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
        let (_done, done) = wit_future::new(|| Ok(()));
        let (mut stream, trailers) = WasiResponse::consume_body(self.response, done);
        let body = collect(&mut stream, bytes_max).await?;
        trailers
            .await
            .map(|_| body)
            .map_err(|_| BodyError::Incomplete)
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
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    drop(trailers_writer);
    let (request, _sent) =
        HostRequest::new(fields, stream_of(body), trailers, answer_max.map(options));
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
    let response = client::send(request).await.map_err(failed)?;
    Ok(HostResponse { response })
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

fn fields(headers: impl Iterator<Item = (&'static str, String)>) -> Result<Fields, ErrorCode> {
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    Fields::from_list(&headers)
        .map_err(|error| internal(&format!("a header was refused: {error:?}")))
}

/// A stream that gives `body`; none for an empty one.
fn stream_of(body: Vec<u8>) -> Option<StreamReader<u8>> {
    if body.is_empty() {
        return None;
    }
    let (mut writer, reader) = wit_stream::new();
    spawn(async move {
        // A peer that is gone needs no body; there is nobody to tell.
        let _unwritten = writer.write_all(body).await;
    });
    Some(reader)
}

async fn collect(stream: &mut StreamReader<u8>, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    loop {
        let (result, mut chunk) = stream.read(Vec::with_capacity(READ_BYTES)).await;
        if body.is_empty() {
            body = chunk;
        } else {
            body.append(&mut chunk);
        }
        if body.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
        match result {
            StreamResult::Complete(_) => {}
            StreamResult::Dropped => return Ok(body),
            StreamResult::Cancelled => return Err(BodyError::Incomplete),
        }
    }
}

fn internal(message: &str) -> ErrorCode {
    ErrorCode::InternalError(Some(message.to_owned()))
}
