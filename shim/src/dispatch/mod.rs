//! The dispatcher: has dispatched orders run, as many at once as is configured.
//!
//! A dispatch is answered before anything is done about it: the order's record is the truth, and
//! one that is dropped here is found by a sweep. So the queue is in memory, and bounded. Where an
//! attempt is made is a [`Runner`]'s business: [`InProcess`], or [`crate::container_apps`].

mod in_process;

pub(crate) use in_process::InProcess;

use async_trait::async_trait;
use futures::future::join_all;
use http::header::HeaderValue;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use uuid::Uuid;

/// Where attempts are made.
#[async_trait]
pub(crate) trait Runner: Send + Sync {
    /// Sees to one dispatch, and returns when nothing is left to be done for it here. What comes
    /// of it is in the order's record; what goes wrong is logged, and left to a sweep.
    async fn run(&self, order_id: &str, token: Uuid, traceparent: Option<HeaderValue>);

    /// Hands a running attempt back that claimed its order with `token`.
    async fn release(&self, order_id: &str, token: Uuid);
}

/// The dispatcher of one component.
#[derive(Clone)]
pub(crate) struct Dispatcher(Arc<Inner>);

struct Inner {
    runner: Arc<dyn Runner>,
    runtime: Handle,
    concurrent_max: usize,
    queue_max: usize,
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
    /// Has `runner` see to so many dispatches at once, while so many wait; its tasks are spawned
    /// on `runtime`.
    pub(crate) fn new(
        runner: Arc<dyn Runner>,
        runtime: Handle,
        concurrent_max: usize,
        queue_max: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            runner,
            runtime,
            concurrent_max,
            queue_max,
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
        if orders.queue.len() >= self.0.queue_max {
            return Dispatched::Refused;
        }
        orders.enqueue(dispatch);
        self.start_next(&mut orders);
        Dispatched::Accepted
    }

    /// Dispatches that are being seen to.
    pub(crate) fn running(&self) -> usize {
        self.orders().running.len()
    }

    /// Dispatches that wait.
    pub(crate) fn queued(&self) -> usize {
        self.orders().queue.len()
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
                .map(|(order_id, token)| self.0.runner.release(order_id, *token)),
        )
        .await;
    }

    /// Starts as many queued dispatches as may run.
    fn start_next(&self, orders: &mut Orders) {
        while orders.running.len() < self.0.concurrent_max {
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
        self.0.runner.run(&order_id, token, traceparent).await;
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
