//! A request on its way to a worker, and what its requester keeps meanwhile.

use super::pool::Failure;
use super::streamed;
use super::worker::Worker;
use futures::channel::oneshot;
use std::sync::{Arc, Mutex};
use wasmtime_wasi_http::handler::{Request, Response};

/// Where the response of a job goes.
pub(super) type Reply = oneshot::Sender<wasmtime::Result<Response>>;

/// A request, where its response goes, and who has it in hand.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) reply: Reply,
    seat: Seat,
}

/// The worker that has a job in hand: the one to ask if no response comes. It can change until
/// the job is taken up.
type Seat = Arc<Mutex<Option<Arc<Worker>>>>;

/// What the requester of a job keeps.
pub(super) struct Ticket {
    response: oneshot::Receiver<wasmtime::Result<Response>>,
    seat: Seat,
}

impl Job {
    /// A job that nobody has in hand, and its ticket.
    pub(super) fn new(request: Request) -> (Self, Ticket) {
        let (reply, response) = oneshot::channel();
        let seat = Seat::default();
        let ticket = Ticket {
            response,
            seat: seat.clone(),
        };
        let job = Self {
            request,
            reply,
            seat,
        };
        (job, ticket)
    }

    /// Notes who has it in hand.
    pub(super) fn seat(&self, worker: Arc<Worker>) {
        *self.seat.lock().expect("a seat is never poisoned") = Some(worker);
    }
}

impl Ticket {
    /// The response, or why there is none.
    pub(super) async fn response(self) -> Result<Response, Failure> {
        match self.response.await {
            Ok(Ok(response)) => {
                let seat = self.seat.lock().expect("a seat is never poisoned").take();
                Ok(match seat {
                    Some(worker) => streamed::watched(response, worker),
                    None => response,
                })
            }
            Ok(Err(error)) => Err(Failure::Refused(format!("{error:#}").into())),
            Err(oneshot::Canceled) => {
                let seat = self.seat.lock().expect("a seat is never poisoned").take();
                match seat {
                    Some(worker) => Err(worker.ended.wait().await.clone()),
                    None => Err(Failure::Exhausted("the host is stopping".into())),
                }
            }
        }
    }
}
