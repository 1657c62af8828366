//! The dispatcher: runs dispatched orders in this process, as many at once as is configured.
//!
//! A dispatch is answered before anything is done about it: the order's record is the truth, and
//! one that is dropped here is found by a sweep. So the queue is in memory, and bounded. Because
//! the host waits for each attempt and has chosen its claim token, it knows which attempts run,
//! can wait for them when it stops, and can hand back the rest.

use crate::config::Processor;
use crate::host::{Failure, Pool};
use crate::order::{self, Answer, Settled};
use futures::future::join_all;
use http::StatusCode;
use http::header::HeaderValue;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long handing one order back may take.
const RELEASE_MAX: Duration = Duration::from_secs(5);

/// The dispatcher of one component.
#[derive(Clone)]
pub(crate) struct Dispatcher(Arc<Inner>);

struct Inner {
    pool: Pool,
    runtime: Handle,
    settings: Processor,
    orders: Mutex<Orders>,
    /// Told whenever the last running attempt ends.
    quiet: Notify,
}

#[derive(Default)]
struct Orders {
    queue: VecDeque<Dispatch>,
    queued: HashSet<Arc<str>>,
    running: HashMap<Arc<str>, Run>,
    stopping: bool,
}

/// An attempt that runs.
struct Run {
    /// What it claimed the order with.
    token: Uuid,
    /// The same order, dispatched again meanwhile: by its own retry, if that is due at once.
    again: Option<Dispatch>,
}

struct Dispatch {
    order_id: Arc<str>,
    traceparent: Option<HeaderValue>,
}

impl Orders {
    fn enqueue(&mut self, dispatch: Dispatch) {
        self.queued.insert(dispatch.order_id.clone());
        self.queue.push_back(dispatch);
    }
}

/// What became of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatched {
    /// It will be run, or already was to be.
    Accepted,
    /// The queue is full, or the host is stopping.
    Refused,
}

impl Dispatcher {
    /// Runs attempts on `pool`; its tasks are spawned on `runtime`.
    pub(crate) fn new(pool: Pool, runtime: Handle, settings: Processor) -> Self {
        Self(Arc::new(Inner {
            pool,
            runtime,
            settings,
            orders: Mutex::default(),
            quiet: Notify::new(),
        }))
    }

    /// Takes a dispatch on, unless the order is queued or running already.
    pub(crate) fn dispatch(&self, order_id: &str, traceparent: Option<HeaderValue>) -> Dispatched {
        let mut orders = self.orders();
        if orders.stopping {
            return Dispatched::Refused;
        }
        if orders.queued.contains(order_id) {
            return Dispatched::Accepted;
        }
        let dispatch = Dispatch {
            order_id: order_id.into(),
            traceparent,
        };
        if let Some(run) = orders.running.get_mut(order_id) {
            run.again = Some(dispatch);
            return Dispatched::Accepted;
        }
        if orders.queue.len() >= self.0.settings.queue {
            return Dispatched::Refused;
        }
        orders.enqueue(dispatch);
        self.start_next(&mut orders);
        Dispatched::Accepted
    }

    /// Waits until no attempt runs, and so none is queued.
    pub(crate) async fn quiet(&self) {
        loop {
            let notified = self.0.quiet.notified();
            if self.orders().running.is_empty() {
                return;
            }
            notified.await;
        }
    }

    /// Starts nothing more, waits for what runs as long as `drain` allows, and hands back the rest.
    pub(crate) async fn stop(&self, deadline: tokio::time::Instant) {
        {
            let mut orders = self.orders();
            orders.stopping = true;
            orders.queue.clear();
            orders.queued.clear();
        }
        if tokio::time::timeout_at(deadline, self.quiet())
            .await
            .is_ok()
        {
            return;
        }
        let running: Vec<_> = self
            .orders()
            .running
            .iter()
            .map(|(order_id, run)| (order_id.clone(), run.token))
            .collect();
        join_all(
            running
                .iter()
                .map(|(order_id, token)| self.release(order_id, *token)),
        )
        .await;
    }

    async fn release(&self, order_id: &str, token: Uuid) {
        let answer =
            tokio::time::timeout(RELEASE_MAX, order::release(&self.0.pool, order_id, token));
        match answer.await {
            Ok(Ok(Answer { status, .. })) if status.is_success() => {
                tracing::info!(order_id, "an attempt was handed back");
            }
            // It settled meanwhile.
            Ok(Ok(Answer {
                status: StatusCode::CONFLICT,
                ..
            })) => {}
            Ok(Ok(Answer { status, .. })) => {
                tracing::warn!(
                    order_id,
                    status = status.as_u16(),
                    "an attempt was not handed back; its lease will run out"
                );
            }
            Ok(Err(failure)) => {
                tracing::warn!(
                    order_id,
                    error = failure.to_string(),
                    "an attempt was not handed back; its lease will run out"
                );
            }
            Err(_) => {
                tracing::warn!(
                    order_id,
                    "an attempt was not handed back in time; its lease will run out"
                );
            }
        }
    }

    /// Starts as many queued dispatches as may run.
    fn start_next(&self, orders: &mut Orders) {
        while orders.running.len() < self.0.settings.max_concurrent {
            let Some(dispatch) = orders.queue.pop_front() else {
                return;
            };
            let token = Uuid::new_v4();
            orders.queued.remove(&dispatch.order_id);
            orders
                .running
                .insert(dispatch.order_id.clone(), Run { token, again: None });
            self.0.runtime.spawn(self.clone().run(dispatch, token));
        }
    }

    async fn run(self, dispatch: Dispatch, token: Uuid) {
        let Dispatch {
            order_id,
            traceparent,
        } = dispatch;
        let running = Running {
            dispatcher: &self,
            order_id: &order_id,
        };
        let outcome = order::attempt(&self.0.pool, &order_id, token, traceparent.clone()).await;
        report(&order_id, traceparent.as_ref(), outcome);
        drop(running);
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        // OK because nothing panics while it holds the lock.
        self.0.orders.lock().expect("the orders are never poisoned")
    }
}

/// An attempt that runs: whatever becomes of it, the next may then start.
struct Running<'a> {
    dispatcher: &'a Dispatcher,
    order_id: &'a str,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut orders = self.dispatcher.orders();
        let run = orders.running.remove(self.order_id);
        if let Some(again) = run.and_then(|run| run.again)
            && !orders.stopping
        {
            orders.enqueue(again);
        }
        self.dispatcher.start_next(&mut orders);
        if orders.running.is_empty() {
            self.dispatcher.0.quiet.notify_waiters();
        }
    }
}

fn report(order_id: &str, traceparent: Option<&HeaderValue>, outcome: Result<Answer, Failure>) {
    let traceparent = traceparent.and_then(|value| value.to_str().ok());
    match outcome {
        Ok(Answer {
            status: StatusCode::OK,
            body,
        }) => {
            let settled = serde_json::from_slice::<Settled>(&body).ok();
            let settled = settled.as_ref().map(|settled| settled.status.as_str());
            tracing::debug!(order_id, traceparent, settled, "an attempt settled");
        }
        // Somebody else has it, it is settled or not yet due, or it is gone.
        Ok(Answer {
            status: status @ (StatusCode::CONFLICT | StatusCode::NOT_FOUND),
            ..
        }) => {
            tracing::debug!(
                order_id,
                traceparent,
                status = status.as_u16(),
                "a dispatch was not needed"
            );
        }
        Ok(Answer { status, .. }) => {
            tracing::warn!(
                order_id,
                traceparent,
                status = status.as_u16(),
                "an attempt could not be made; a sweep will dispatch the order again"
            );
        }
        Err(failure) => {
            tracing::error!(
                order_id,
                traceparent,
                error = failure.to_string(),
                "an attempt failed with its instance; a sweep will dispatch the order again"
            );
        }
    }
}
