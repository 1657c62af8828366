//! Requests' bodies that are gathered before they go on: whoever is slow to send one keeps no instance of
//! a component waiting, and takes no place from others.

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, WasiBody};

/// How many bytes of one body are gathered. One that says that it is larger goes on as it comes, since it
/// may be refused unread; of one that does not say, the rest does.
const BYTES_MAX: u32 = 128 * 1024;
/// How many bytes all that is gathered may have. Beyond, bodies go on as they come.
const ROOM_BYTES: usize = 32 * 1024 * 1024;

/// Gathers bodies, as far as it has room.
pub(super) struct Gatherer(Arc<Semaphore>);

impl Gatherer {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_BYTES)))
    }

    /// The body, of which all is there that will be, or [`BYTES_MAX`]. What failed ends there.
    pub(super) async fn gather(&self, mut body: WasiBody) -> WasiBody {
        if body.is_end_stream() {
            return body;
        }
        let bytes = body.size_hint().exact().unwrap_or(BYTES_MAX.into());
        let Some(room) = self.room(bytes) else {
            return body;
        };
        let mut gathered = Gathered {
            frames: VecDeque::new(),
            bytes: 0,
            rest: None,
            _room: room,
        };
        while gathered.bytes < u64::from(BYTES_MAX) {
            let Some(frame) = body.frame().await else {
                return gathered.boxed_unsync();
            };
            let is_failure = frame.is_err();
            gathered.push(frame);
            if is_failure {
                return gathered.boxed_unsync();
            }
        }
        gathered.rest = Some(body);
        gathered.boxed_unsync()
    }

    fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= BYTES_MAX)?;
        self.0.clone().try_acquire_many_owned(bytes).ok()
    }
}

/// A body of which the beginning is there.
struct Gathered {
    frames: VecDeque<Result<Frame<Bytes>, Error>>,
    /// The size of these.
    bytes: u64,
    rest: Option<WasiBody>,
    /// Taken until this is dropped.
    _room: OwnedSemaphorePermit,
}

impl Gathered {
    fn push(&mut self, frame: Result<Frame<Bytes>, Error>) {
        self.bytes += size(&frame);
        self.frames.push_back(frame);
    }
}

fn size(frame: &Result<Frame<Bytes>, Error>) -> u64 {
    let data = frame.as_ref().ok().and_then(Frame::data_ref);
    data.map_or(0, |data| data.remaining() as u64)
}

impl Body for Gathered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= size(&frame);
            return Poll::Ready(Some(frame));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self
            .rest
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(self.bytes + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(self.bytes + upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use http_body_util::StreamBody;

    #[tokio::test]
    async fn a_body_that_fails_is_asked_no_more() {
        let fails = stream::repeat_with(|| Err(Error::ConnectionReadTimeout));
        let body = StreamBody::new(fails).boxed_unsync();

        let mut gathered = Gatherer::new().gather(body).await;

        assert!(matches!(gathered.frame().await, Some(Err(_))));
        assert!(gathered.frame().await.is_none());
    }
}
