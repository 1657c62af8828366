//! One instance at work: a task that takes up requests, runs the guest, and ends when the
//! instance has served its time, has nothing to do, or has failed.

use super::early::Early;
use super::instance::{Call, Inbox, Instance, lock};
use crate::error::Error;
use crate::state::InstanceState;
use futures::stream::{FuturesUnordered, Stream as _};
use std::future::{Future as _, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::Sleep;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut as _, PoolConcurrencyLimitError};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{Prepared, Proxy};

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

impl Instance {
    /// Makes an instance and works until it ends.
    pub(super) async fn run(self: Arc<Self>, mut inbox: Inbox) {
        let _end = End(&self);
        let pool = &self.pool;
        let mut store =
            InstanceState::store(&pool.engine, pool.component.clone(), self.meter.clone());
        let outcome = match pool.pre.instantiate_async(&mut store).await {
            Ok(proxy) => self.serve(&mut store, &proxy, &mut inbox).await,
            Err(error) if error.is::<PoolConcurrencyLimitError>() => {
                Err(Error::Exhausted(format!("{error:#}").into()))
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
        if !self.is_alone() && !matches!(self.ended.get(), Some(Error::Exhausted(_))) {
            while let Ok(call) = inbox.try_recv() {
                self.waiting.fetch_sub(1, Relaxed);
                // OK to ignore: a call that has no place is dropped, and its requester then reads
                // why this instance ended.
                let _ = pool.place(call);
            }
        }
    }

    fn fail(&self, failure: Error, state: &InstanceState) {
        self.pool.failed();
        let failure = match failure {
            Error::Trapped(cause) if state.memory_refused() => Error::Trapped(
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
        self: &Arc<Self>,
        store: &mut wasmtime::Store<InstanceState>,
        proxy: &Proxy,
        inbox: &mut Inbox,
    ) -> Result<(), Error> {
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
            if !self.is_alone() {
                self.look_for_more(&mut lock(&inbox), cx);
            }
            self.watch(&clock, alarm.as_mut(), cx)
        })
        .await
    }

    /// Takes up calls and passes their responses on, until the inbox is closed and all is done.
    async fn take_up(
        self: &Arc<Self>,
        accessor: &Accessor<InstanceState>,
        proxy: &Proxy,
        inbox: &Mutex<&mut Inbox>,
        early: &Early,
        clock: &Clock,
    ) -> wasmtime::Result<()> {
        let calls_max = self.pool.policy.requests_per_instance;
        let mut calls = pin!(FuturesUnordered::new());
        poll_fn(|cx| {
            let mut open = true;
            if calls.len() < calls_max {
                // One at a time: the guest's event loop polls this again when it has run what is
                // taken up here, and by then the response of a short request is ready to go.
                let handed = match lock(inbox).poll_recv(cx) {
                    Poll::Ready(Some(call)) => {
                        self.waiting.fetch_sub(1, Relaxed);
                        Some(call)
                    }
                    Poll::Ready(None) => {
                        open = false;
                        None
                    }
                    Poll::Pending if self.takes_more.swap(false, Relaxed) => {
                        self.pool.take_turn(self)
                    }
                    Poll::Pending => None,
                };
                match handed {
                    Some(call) if !call.is_awaited() => {
                        self.load.fetch_sub(1, Relaxed);
                        cx.waker().wake_by_ref();
                    }
                    Some(Call { request, reply, .. }) => {
                        let reply = match proxy {
                            Proxy::P2(_) => early.intercept(reply),
                            Proxy::P3(_) => reply,
                        };
                        let prepared = accessor.with(|mut access| {
                            Prepared::new(
                                access.as_context_mut(),
                                proxy,
                                request,
                                InstanceState::http,
                                reply,
                            )
                        })?;
                        calls.push(prepared.run(accessor, pending()));
                        *lock(clock) = (Phase::Requests, Instant::now());
                    }
                    None => {}
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

    /// Notes that a call was answered, and whether it was the last in hand.
    fn answered(&self, last: bool, clock: &Clock) {
        self.load.fetch_sub(1, Relaxed);
        if last {
            *lock(clock) = (Phase::Tail, Instant::now());
        }
    }

    /// Looks, at the end of a turn, for what waits: to take one up in the next turn, or, if that would wait
    /// behind computation, to have others take up that and what this instance was handed.
    ///
    /// No more than one: while an instance has its turn, the thread does nothing else, and a store may
    /// answer so soon that the turn of many calls would not end before they do.
    fn look_for_more(&self, inbox: &mut Inbox, cx: &Context<'_>) {
        if self.meter.is_held_up() {
            self.takes_more.store(false, Relaxed);
            let handed = std::iter::from_fn(|| {
                let call = inbox.try_recv().ok()?;
                self.waiting.fetch_sub(1, Relaxed);
                self.load.fetch_sub(1, Relaxed);
                Some(call)
            });
            if self.waiting() > 0 || self.pool.has_waiting() {
                self.pool.pass_on(handed);
            }
        } else if self.pool.has_waiting() && self.is_open() && self.has_room() {
            self.takes_more.store(true, Relaxed);
            cx.waker().wake_by_ref();
        }
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
    ) -> Poll<Result<(), Error>> {
        let (phase, since) = {
            let mut clock = lock(clock);
            if matches!(clock.0, Phase::Tail) && self.streams() {
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
                Phase::Requests | Phase::Tail => Poll::Ready(Err(Error::TimedOut)),
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

/// Whatever becomes of an instance's task, its pool and its requesters learn that it ended.
struct End<'a>(&'a Instance);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let Self(instance) = self;
        instance.pool.ended(instance);
        // OK to ignore: set already if it ended for a reason.
        let _ = instance
            .ended
            .set(Error::Trapped("the instance ended".into()));
    }
}

/// The cause before the backtrace, because it is the cause that is read.
fn trapped(error: &wasmtime::Error) -> Error {
    Error::Trapped(format!("{}; {error:#}", error.root_cause()).into())
}
