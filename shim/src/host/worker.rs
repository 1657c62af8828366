//! One instance at work: a task that takes up requests, runs the guest, and ends when the
//! instance has served its time, has nothing to do, or has failed.

use super::early::Early;
use super::instance::State;
use super::job::Job;
use super::meter::Meter;
use super::pool::{Failure, Inner};
use futures::stream::{FuturesUnordered, Stream as _};
use std::future::{Future as _, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, SetOnce, mpsc};
use tokio::time::Sleep;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut as _, PoolConcurrencyLimitError, Store};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{Prepared, Proxy};

/// Jobs that a worker was handed and has not taken up.
pub(super) type Inbox = mpsc::UnboundedReceiver<Job>;

/// The handle of one worker.
pub(super) struct Worker {
    pool: Arc<Inner>,
    /// What its instance is doing.
    pub(super) meter: Arc<Meter>,
    inbox: Mutex<Option<mpsc::UnboundedSender<Job>>>,
    /// Jobs that it was ever handed.
    handed: AtomicUsize,
    /// Jobs that it was handed and has not taken up.
    waiting: AtomicUsize,
    /// Jobs that it was handed and has not answered.
    load: AtomicUsize,
    /// Streamed bodies of its responses that are being read.
    streams: AtomicUsize,
    /// Why it ended, once it has.
    pub(super) ended: SetOnce<Failure>,
    /// The room that it takes up if it has one request and nothing else.
    room: Option<OwnedSemaphorePermit>,
}

/// What an instance is doing, as far as its time limits go.
#[derive(Clone, Copy)]
enum Phase {
    /// It owes responses, the latest for this long.
    Requests,
    /// It has answered everything and works on.
    Tail,
    /// It does nothing.
    Idle,
}

/// A phase and when it began.
type Clock = Mutex<(Phase, Instant)>;

impl Worker {
    /// A worker of `pool`; with `room`, one that is to have a single request.
    pub(super) fn new(pool: Arc<Inner>, room: Option<OwnedSemaphorePermit>) -> (Arc<Self>, Inbox) {
        let (sender, inbox) = mpsc::unbounded_channel();
        let worker = Self {
            pool,
            meter: Arc::default(),
            inbox: Mutex::new(Some(sender)),
            handed: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            load: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            ended: SetOnce::new(),
            room,
        };
        (Arc::new(worker), inbox)
    }

    /// Hands it a job, and returns how many it was ever handed.
    pub(super) fn hand(self: &Arc<Self>, job: Job) -> usize {
        job.seat(self.clone());
        self.load.fetch_add(1, Relaxed);
        self.waiting.fetch_add(1, Relaxed);
        if let Some(inbox) = &*lock(&self.inbox) {
            // OK to ignore: only a worker that was retired has dropped its end, and then the job
            // is dropped too, so that its requester reads why the worker ended.
            let _ = inbox.send(job);
        }
        self.handed.fetch_add(1, Relaxed) + 1
    }

    /// A body of its is being streamed.
    pub(super) fn begin_stream(&self) {
        self.streams.fetch_add(1, Relaxed);
    }

    /// That body was read to its end, or is not wanted any more.
    pub(super) fn end_stream(&self) {
        self.streams.fetch_sub(1, Relaxed);
    }

    /// Lets it end once its jobs are done.
    pub(super) fn close(&self) {
        lock(&self.inbox).take();
    }

    /// Whether it has one request and nothing else.
    pub(super) fn is_alone(&self) -> bool {
        self.room.is_some()
    }

    /// Jobs in hand, taken up or not.
    pub(super) fn load(&self) -> usize {
        self.load.load(Relaxed)
    }

    /// Jobs not taken up.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Makes an instance and works until it ends.
    pub(super) async fn run(self: Arc<Self>, mut inbox: Inbox) {
        let _end = End(&self);
        let pool = &self.pool;
        let mut store = State::store(&pool.engine, pool.component.clone(), self.meter.clone());
        let outcome = match pool.pre.instantiate_async(&mut store).await {
            Ok(proxy) => self.serve(&mut store, &proxy, &mut inbox).await,
            Err(error) if error.is::<PoolConcurrencyLimitError>() => {
                Err(Failure::Exhausted(format!("{error:#}").into()))
            }
            Err(error) => Err(trapped(&error)),
        };
        pool.retire(&self);
        if let Err(failure) = outcome {
            self.fail(failure, store.data());
        }
        drop(store);
        // What was not taken up is not lost with the instance, unless none can be made at all, or
        // it has to be alone where it goes.
        if !self.is_alone() && !matches!(self.ended.get(), Some(Failure::Exhausted(_))) {
            while let Ok(job) = inbox.try_recv() {
                self.waiting.fetch_sub(1, Relaxed);
                // OK to ignore: a job that has no place is dropped, and its requester then reads
                // why this worker ended.
                let _ = pool.place(job);
            }
        }
    }

    fn fail(&self, failure: Failure, state: &State) {
        self.pool.failed();
        let failure = match failure {
            Failure::Trapped(cause) if state.memory_refused() => Failure::Trapped(
                format!("it was refused memory beyond `instance_memory_bytes_max`: {cause}").into(),
            ),
            failure => failure,
        };
        if self.load() == self.waiting() {
            // Nobody waits for a response, so nobody else reports it.
            tracing::error!(
                component = &*self.pool.component.id,
                error = failure.to_string(),
                "an instance failed after its last response"
            );
        }
        // OK to ignore: it ends once.
        let _ = self.ended.set(failure);
    }

    /// Runs the guest until it ends. All that the guest does happens while one future is polled;
    /// what must not depend on its giving way is done here, between two polls.
    async fn serve(
        &self,
        store: &mut Store<State>,
        proxy: &Proxy,
        inbox: &mut Inbox,
    ) -> Result<(), Failure> {
        let clock = Mutex::new((Phase::Idle, Instant::now()));
        let inbox = Mutex::new(inbox);
        let early = Early::default();
        let mut guest = pin!(store.run_concurrent(async |accessor| {
            self.take_up(accessor, proxy, &inbox, &early, &clock).await
        }));
        let mut alarm = pin!(tokio::time::sleep(self.pool.policy.idle));
        poll_fn(|cx| {
            self.meter.turn_begins();
            let polled = guest.as_mut().poll(cx);
            self.meter.turn_ends();
            let failed = matches!(polled, Poll::Ready(Ok(Err(_)) | Err(_)));
            if early.pass_on(failed) {
                self.answered(true, &clock);
            }
            match polled {
                Poll::Ready(Ok(Ok(()))) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(Err(error)) | Err(error)) => {
                    return Poll::Ready(Err(trapped(&error)));
                }
                Poll::Pending => {}
            }
            if self.waiting() > 0 && self.meter.is_held_up() && !self.is_alone() {
                self.hand_back(&mut lock(&inbox));
            }
            self.watch(&clock, alarm.as_mut(), cx)
        })
        .await
    }

    /// Takes up jobs and passes their responses on, until the inbox is closed and all is done.
    async fn take_up(
        &self,
        accessor: &Accessor<State>,
        proxy: &Proxy,
        inbox: &Mutex<&mut Inbox>,
        early: &Early,
        clock: &Clock,
    ) -> wasmtime::Result<()> {
        let mut calls = pin!(FuturesUnordered::new());
        poll_fn(|cx| {
            let mut open = true;
            if calls.len() < self.pool.policy.requests_per_instance {
                // One at a time: the guest's event loop polls this again when it has run what is
                // taken up here, and by then the response of a short request is ready to go.
                match lock(inbox).poll_recv(cx) {
                    Poll::Ready(Some(Job { reply, .. })) if reply.is_canceled() => {
                        // Nobody awaits it any more.
                        self.waiting.fetch_sub(1, Relaxed);
                        self.load.fetch_sub(1, Relaxed);
                        cx.waker().wake_by_ref();
                    }
                    Poll::Ready(Some(Job { request, reply, .. })) => {
                        self.waiting.fetch_sub(1, Relaxed);
                        let reply = match proxy {
                            Proxy::P2(_) => early.intercept(reply),
                            Proxy::P3(_) => reply,
                        };
                        let prepared = accessor.with(|mut access| {
                            Prepared::new(
                                access.as_context_mut(),
                                proxy,
                                request,
                                State::http,
                                reply,
                            )
                        })?;
                        calls.push(prepared.run(accessor, pending()));
                        *lock(clock) = (Phase::Requests, Instant::now());
                    }
                    Poll::Ready(None) => open = false,
                    Poll::Pending => {}
                }
            }
            while let Poll::Ready(Some(answered)) = calls.as_mut().poll_next(cx) {
                answered?;
                if matches!(proxy, Proxy::P3(_)) {
                    self.answered(calls.is_empty(), clock);
                }
            }
            if !calls.is_empty() || accessor.poll_no_interesting_tasks(cx).is_pending() {
                return Poll::Pending;
            }
            if !open {
                return Poll::Ready(Ok(()));
            }
            let mut clock = lock(clock);
            if !matches!(clock.0, Phase::Idle) {
                *clock = (Phase::Idle, Instant::now());
            }
            Poll::Pending
        })
        .await
    }

    /// Notes that a job was answered, and whether it was the last in hand.
    fn answered(&self, last: bool, clock: &Clock) {
        self.load.fetch_sub(1, Relaxed);
        if last {
            *lock(clock) = (Phase::Tail, Instant::now());
        }
    }

    /// Gives jobs that would wait behind computation to instances that are free.
    fn hand_back(&self, inbox: &mut Inbox) {
        let take = |inbox: &mut Inbox| {
            let job = inbox.try_recv().ok()?;
            self.waiting.fetch_sub(1, Relaxed);
            self.load.fetch_sub(1, Relaxed);
            Some(job)
        };
        while self.waiting() > 0 && self.pool.pass_on(self, || take(inbox)) {}
    }

    /// Ends the instance when its phase has lasted too long.
    ///
    /// The alarm is not moved with every request, which would cost each of them two locks: it is
    /// set for the earliest time at which something may be due, and set anew when it goes off.
    fn watch(
        &self,
        clock: &Clock,
        mut alarm: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let (phase, since) = {
            let mut clock = lock(clock);
            if matches!(clock.0, Phase::Tail) && self.streams.load(Relaxed) > 0 {
                // A stream that somebody reads is no leftover: what is one begins when it ends.
                clock.1 = Instant::now();
            }
            *clock
        };
        let policy = &self.pool.policy;
        let lasts_max = match phase {
            Phase::Requests => policy.response_max,
            Phase::Tail => policy.tail_max,
            Phase::Idle => Some(policy.idle),
        };
        let Some(lasts_max) = lasts_max else {
            return Poll::Pending;
        };
        let due = since + lasts_max;
        if alarm.is_elapsed() || due < alarm.deadline().into_std() {
            alarm.as_mut().reset(due.into());
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() < due {
                alarm.as_mut().reset(due.into());
                continue;
            }
            return match phase {
                Phase::Requests | Phase::Tail => Poll::Ready(Err(Failure::TimedOut)),
                // The pool closes the inbox, and with it the guest's event loop ends.
                Phase::Idle => {
                    self.pool.retire_idle(self);
                    Poll::Pending
                }
            };
        }
        Poll::Pending
    }
}

/// Whatever becomes of a worker's task, its pool and its requesters learn that it ended.
struct End<'a>(&'a Worker);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let Self(worker) = self;
        worker.pool.ended(worker);
        // OK to ignore: set already if it ended for a reason.
        let _ = worker
            .ended
            .set(Failure::Trapped("the instance ended".into()));
    }
}

/// The cause before the backtrace, because it is the cause that is read.
fn trapped(error: &wasmtime::Error) -> Failure {
    Failure::Trapped(format!("{}; {error:#}", error.root_cause()).into())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // OK because nothing here panics while it holds one of these locks.
    mutex.lock().expect("a worker's locks are never poisoned")
}
