//! An instance as its pool and its callers see it: what it has in hand, and the calls that are on
//! their way to it.

use super::turns::Client;
use super::{Inner, streamed};
use crate::error::Error;
use crate::meter::Meter;
use futures::channel::oneshot;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, SetOnce, mpsc};
use wasmtime_wasi_http::handler::{Request, Response};

/// Calls that an instance was handed and has not taken up.
pub(super) type Inbox = mpsc::UnboundedReceiver<Call>;

/// The handle of one instance.
pub(super) struct Instance {
    pub(super) pool: Arc<Inner>,
    /// What it is doing.
    pub(super) meter: Arc<Meter>,
    inbox: Mutex<Option<mpsc::UnboundedSender<Call>>>,
    /// Calls that it ever took on.
    taken: AtomicUsize,
    /// Calls that it was handed and has not taken up.
    pub(super) waiting: AtomicUsize,
    /// Calls that it was handed and has not answered.
    pub(super) load: AtomicUsize,
    /// It takes up, in its next turn, one more call than it was handed, if any waits.
    pub(super) takes_more: AtomicBool,
    /// Streamed bodies of its responses that are being read.
    streams: AtomicUsize,
    /// Why it ended, once it has.
    pub(super) ended: SetOnce<Error>,
    /// The room that it takes up if it has one request and nothing else.
    room: Option<OwnedSemaphorePermit>,
}

/// Where the response of a call goes.
pub(super) type Reply = oneshot::Sender<wasmtime::Result<Response>>;

/// A request, where its response goes, and who has it in hand.
pub(super) struct Call {
    pub(super) client: Client,
    pub(super) request: Request,
    pub(super) reply: Reply,
    assignment: Assignment,
}

/// The instance that has a call in hand: the one to ask if no response comes. It can change until
/// the call is taken up.
type Assignment = Arc<Mutex<Option<Arc<Instance>>>>;

/// What the requester of a call keeps.
pub(super) struct Ticket {
    response: oneshot::Receiver<wasmtime::Result<Response>>,
    assignment: Assignment,
}

impl Call {
    /// A call that nobody has in hand, and its ticket.
    pub(super) fn new(client: Client, request: Request) -> (Self, Ticket) {
        let (reply, response) = oneshot::channel();
        let assignment = Assignment::default();
        let ticket = Ticket {
            response,
            assignment: assignment.clone(),
        };
        let call = Self {
            client,
            request,
            reply,
            assignment,
        };
        (call, ticket)
    }

    /// Whether anybody still waits for the response.
    pub(super) fn is_awaited(&self) -> bool {
        !self.reply.is_canceled()
    }

    /// Notes who has it in hand.
    fn assign(&self, instance: Arc<Instance>) {
        *lock(&self.assignment) = Some(instance);
    }
}

impl Ticket {
    /// The response, or why there is none.
    pub(super) async fn response(self) -> Result<Response, Error> {
        match self.response.await {
            Ok(Ok(response)) => {
                let assigned = lock(&self.assignment).take();
                Ok(match assigned {
                    Some(instance) => instance.watch_stream(response),
                    None => response,
                })
            }
            Ok(Err(error)) => Err(Error::Refused(format!("{error:#}").into())),
            Err(oneshot::Canceled) => {
                let assigned = lock(&self.assignment).take();
                match assigned {
                    Some(instance) => Err(instance.ended.wait().await.clone()),
                    None => Err(Error::Exhausted("the host is stopping".into())),
                }
            }
        }
    }
}

impl Instance {
    /// An instance of `pool`; with `room`, one that is to have a single request.
    pub(super) fn new(pool: Arc<Inner>, room: Option<OwnedSemaphorePermit>) -> (Arc<Self>, Inbox) {
        let (sender, inbox) = mpsc::unbounded_channel();
        let instance = Self {
            pool,
            meter: Arc::default(),
            inbox: Mutex::new(Some(sender)),
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            load: AtomicUsize::new(0),
            takes_more: AtomicBool::new(false),
            streams: AtomicUsize::new(0),
            ended: SetOnce::new(),
            room,
        };
        (Arc::new(instance), inbox)
    }

    /// Hands it a call, and returns how many it ever took on.
    pub(super) fn hand(self: &Arc<Self>, call: Call) -> usize {
        let taken = self.take(&call);
        self.waiting.fetch_add(1, Relaxed);
        if let Some(inbox) = &*lock(&self.inbox) {
            // OK to ignore: only an instance that was retired has dropped its end, and then the call
            // is dropped too, so that its requester reads why the instance ended.
            let _ = inbox.send(call);
        }
        taken
    }

    /// Counts a call that is on its way to it, and returns how many it ever took on.
    pub(super) fn take(self: &Arc<Self>, call: &Call) -> usize {
        call.assign(self.clone());
        self.load.fetch_add(1, Relaxed);
        self.taken.fetch_add(1, Relaxed) + 1
    }

    /// Counts the response's body as a stream of its until it is read or dropped, if it is one.
    fn watch_stream(self: Arc<Self>, response: Response) -> Response {
        streamed::guarded(response, || {
            self.streams.fetch_add(1, Relaxed);
            Stream(self)
        })
    }

    /// Whether a streamed body of its is being read.
    pub(super) fn streams(&self) -> bool {
        self.streams.load(Relaxed) > 0
    }

    /// Whether it may be handed more.
    pub(super) fn is_open(&self) -> bool {
        lock(&self.inbox).is_some()
    }

    /// Whether it can have more in hand.
    pub(super) fn has_room(&self) -> bool {
        self.load() < self.pool.policy.requests_per_instance
    }

    /// Lets it end once its calls are done.
    pub(super) fn close(&self) {
        lock(&self.inbox).take();
    }

    /// Whether it has one request and nothing else.
    pub(super) fn is_alone(&self) -> bool {
        self.room.is_some()
    }

    /// Calls in hand, taken up or not.
    pub(super) fn load(&self) -> usize {
        self.load.load(Relaxed)
    }

    /// Calls not taken up.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }
}

/// A body of an instance's that is being read.
struct Stream(Arc<Instance>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // OK because nothing here panics while it holds one of these locks.
    mutex
        .lock()
        .expect("an instance's locks are never poisoned")
}
