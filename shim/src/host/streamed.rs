//! Bodies of responses that go on: while one is read, its instance is wanted.

use super::worker::Worker;
use bytes::Bytes;
use http::header;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime_wasi_http::handler::Response;
use wasmtime_wasi_http::{Error, WasiBody};

/// Lets `worker` know of the response's body until it is read or dropped, if it is a stream.
///
/// A body that says its length is on its way at once, and needs no such care.
pub(super) fn watched(response: Response, worker: Arc<Worker>) -> Response {
    if response.headers().contains_key(header::CONTENT_LENGTH) {
        return response;
    }
    worker.begin_stream();
    response.map(|body| Streamed { body, worker }.boxed_unsync())
}

struct Streamed {
    body: WasiBody,
    worker: Arc<Worker>,
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.worker.end_stream();
    }
}
