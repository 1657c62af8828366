//! Bodies that go on until somebody has had enough: the component, the client, or the host.

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use wasmtime_wasi_http::{Error, WasiBody};

use super::waiters::Place;

/// A body that ends in good order when `end` resolves; with it ends what writes it.
pub(super) struct Until {
    /// `None` once it has ended.
    body: Option<WasiBody>,
    end: BoxFuture<'static, ()>,
    /// Taken until this is dropped.
    _place: Option<Place>,
}

impl Until {
    pub(super) fn new(body: WasiBody, end: BoxFuture<'static, ()>, place: Option<Place>) -> Self {
        Self {
            body: Some(body),
            end,
            _place: place,
        }
    }
}

impl Body for Until {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        // What is written already goes out before the end.
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if self.end.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.body = None;
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // How much comes before the end is not known.
        SizeHint::default()
    }
}
