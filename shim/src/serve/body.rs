//! A request's body on its way to a component: bounded in size, and in how long it may pause.

use super::problem::Problem;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

/// What went wrong with a body, for the one who answers the client. The component sees an error
/// as well, and may answer something, but cannot know what it was.
#[derive(Clone, Default)]
pub(super) struct BodyFailure(Arc<AtomicU8>);

const TOO_SLOW: u8 = 1;
const TOO_LARGE: u8 = 2;

impl BodyFailure {
    /// The answer that takes the place of the component's, if the body failed.
    pub(super) fn problem(&self) -> Option<Problem> {
        match self.0.load(Relaxed) {
            TOO_SLOW => Some(Problem::BodyTooSlow),
            TOO_LARGE => Some(Problem::BodyTooLarge),
            _ => None,
        }
    }
}

/// See the module.
pub(super) struct BoundedBody {
    incoming: Incoming,
    bytes_left: u64,
    pause_max: Duration,
    /// Runs while nothing arrives; made when that first happens.
    pause: Option<Pin<Box<Sleep>>>,
    failure: BodyFailure,
}

impl BoundedBody {
    /// Bounds `incoming`; what goes wrong is noted in what is returned with it.
    pub(super) fn new(
        incoming: Incoming,
        bytes_max: u64,
        pause_max: Duration,
    ) -> (Self, BodyFailure) {
        let failure = BodyFailure::default();
        let body = Self {
            incoming,
            bytes_left: bytes_max,
            pause_max,
            pause: None,
            failure: failure.clone(),
        };
        (body, failure)
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let pause = self
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.pause_max)));
        pause.as_mut().poll(cx).map(|()| {
            self.failure.0.store(TOO_SLOW, Relaxed);
            Some(Err(Error::ConnectionReadTimeout))
        })
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return self.poll_pause(cx);
        };
        self.pause = None;
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            let Some(left) = self.bytes_left.checked_sub(bytes) else {
                self.failure.0.store(TOO_LARGE, Relaxed);
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))));
            };
            self.bytes_left = left;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
