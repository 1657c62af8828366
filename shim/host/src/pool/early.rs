//! Responses of WASI 0.2, which a guest gives in the middle of a call that then goes on.
//!
//! While the guest stands in a host call, and so in whatever it waits for, nothing is run of what
//! waits for the call. So such a response is looked at from outside, whenever the guest's turn ends.

use super::instance::Reply;
use futures::channel::oneshot;
use std::sync::Mutex;
use wasmtime_wasi_http::handler::Response;

/// The place before the reply to an instance's one request.
#[derive(Default)]
pub(super) struct Early(Mutex<Option<Awaited>>);

struct Awaited {
    response: oneshot::Receiver<wasmtime::Result<Response>>,
    reply: Reply,
}

impl Early {
    /// Puts itself before `reply`, and returns what the guest is to reply to.
    pub(super) fn intercept(&self, reply: Reply) -> Reply {
        let (sender, response) = oneshot::channel();
        *self.place() = Some(Awaited { response, reply });
        sender
    }

    /// Passes the response on if it is there; whether it is. Where the instance has `failed`, its
    /// failure is the answer, unless there was one before.
    pub(super) fn pass_on(&self, failed: bool) -> bool {
        let mut place = self.place();
        let Some(awaited) = &mut *place else {
            return false;
        };
        let Ok(Some(response)) = awaited.response.try_recv() else {
            return false;
        };
        if failed && response.is_err() {
            // Wasmtime's word that there was none. The reply is dropped with the instance.
            return false;
        }
        if let Some(Awaited { reply, .. }) = place.take() {
            // OK to ignore: the requester may have given up.
            let _ = reply.send(response);
        }
        true
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<Awaited>> {
        // OK because nothing here panics while it holds the lock.
        self.0.lock().expect("the place is never poisoned")
    }
}
