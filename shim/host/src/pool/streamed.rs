//! Bodies of responses that go on: while one is read, its instance is wanted.

use bytes::Bytes;
use http::header;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use wasmtime_wasi_http::handler::Response;
use wasmtime_wasi_http::{Error, WasiBody};

/// Keeps what `guard` makes until the response's body is read or dropped, if it is a stream.
///
/// A body that says its length is on its way at once, and needs no such care.
pub(super) fn guarded<G: Send + Unpin + 'static>(
    response: Response,
    guard: impl FnOnce() -> G,
) -> Response {
    if response.headers().contains_key(header::CONTENT_LENGTH) {
        return response;
    }
    let guard = guard();
    response.map(|body| {
        Streamed {
            body,
            _guard: guard,
        }
        .boxed_unsync()
    })
}

struct Streamed<G> {
    body: WasiBody,
    _guard: G,
}

impl<G: Unpin> Body for Streamed<G> {
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
