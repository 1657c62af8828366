//! The dispatcher: has dispatched orders run, as many at once as is configured.
//!
//! A dispatch is answered before anything is done about it: the order's record is the truth, and
//! one that is dropped here is found by a sweep. So the queue is in memory, and bounded, and so are
//! the timers of orders that are to be attempted again. Where an attempt is made is a [`Runner`]'s
//! business: [`InProcess`], or [`Executions`].

mod container_apps;
mod in_process;
mod queue;
#[cfg(test)]
mod tests;
mod timers;

pub(crate) use container_apps::Executions;
pub(crate) use in_process::InProcess;

use self::queue::{Dispatch, Queue};
use self::timers::Timers;
use async_trait::async_trait;
use futures::future::join_all;
use http::header::HeaderValue;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

/// How many orders have timers at most, of some 200 bytes each. The others wait for a sweep.
const TIMERS_MAX: usize = 100_000;

/// The longest timer. What is due later is found by a sweep.
const TIMER_MAX: Duration = Duration::from_hours(24);

/// Where attempts are made.
#[async_trait]
pub(crate) trait Runner: Send + Sync {
    /// Sees to one dispatch, and returns when nothing is left to be done for it here: how long
    /// until the order is to be dispatched again, if it is and that is known. What comes of it is
    /// in the order's record; what goes wrong is logged, and left to a sweep.
    async fn run(
        &self,
        order_id: &str,
        token: Uuid,
        traceparent: Option<HeaderValue>,
    ) -> Option<Duration>;

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
    orders: Mutex<Orders>,
    /// Told whenever the last running attempt ends.
    quiet: Notify,
    /// Told whenever a timer is set.
    timer_set: Notify,
}

struct Orders {
    queue: Queue,
    timers: Timers,
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
        let orders = Orders {
            queue: Queue::new(queue_max),
            timers: Timers::new(TIMERS_MAX),
            running: HashMap::new(),
            stopping: false,
        };
        let dispatcher = Self(Arc::new(Inner {
            runner,
            runtime,
            concurrent_max,
            orders: Mutex::new(orders),
            quiet: Notify::new(),
            timer_set: Notify::new(),
        }));
        let runtime = &dispatcher.0.runtime;
        runtime.spawn(dispatcher.clone().keep_time());
        dispatcher
    }

    /// Takes a dispatch on, unless the order is queued or running already.
    pub(crate) fn dispatch(&self, order_id: &str, traceparent: Option<HeaderValue>) -> Dispatched {
        let mut orders = self.orders();
        if orders.stopping {
            return Dispatched::Refused;
        }
        if orders.queue.contains(order_id) {
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
        if !orders.queue.push(dispatch) {
            return Dispatched::Refused;
        }
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
    pub(crate) async fn stop(&self, deadline: Instant) {
        {
            let mut orders = self.orders();
            orders.stopping = true;
            orders.queue.clear();
            orders.timers.clear();
        }
        if timeout_at(deadline, self.quiet()).await.is_ok() {
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
            let Some(dispatch) = orders.queue.pop() else {
                return;
            };
            let token = Uuid::new_v4();
            orders
                .running
                .insert(dispatch.order_id.clone(), Run { token, again: None });
            self.0.runtime.spawn(self.clone().run(dispatch, token));
        }
    }

    async fn run(self, dispatch: Dispatch, token: Uuid) {
        let running = Running {
            dispatcher: &self,
            order_id: &dispatch.order_id,
        };
        let traceparent = dispatch.traceparent.clone();
        let runner = &self.0.runner;
        let again_in = runner.run(&dispatch.order_id, token, traceparent).await;
        drop(running);
        if let Some(wait) = again_in.filter(|wait| *wait <= TIMER_MAX) {
            self.dispatch_at(Instant::now() + wait, dispatch);
        }
    }

    /// Dispatches later, unless the host stops before or there are timers enough.
    fn dispatch_at(&self, at: Instant, dispatch: Dispatch) {
        let mut orders = self.orders();
        if !orders.stopping && orders.timers.set(at, dispatch) {
            self.0.timer_set.notify_one();
        }
    }

    /// Dispatches what is due, for as long as the runtime lasts.
    async fn keep_time(self) {
        loop {
            let next = self.orders().timers.next();
            let set = self.0.timer_set.notified();
            match next {
                Some(at) => tokio::select! {
                    () = sleep_until(at) => self.dispatch_due(),
                    () = set => {}
                },
                None => set.await,
            }
        }
    }

    fn dispatch_due(&self) {
        let now = Instant::now();
        loop {
            let Some(due) = self.orders().timers.pop_due(now) else {
                return;
            };
            // What is refused waits for a sweep.
            let _ = self.dispatch(&due.order_id, due.traceparent);
        }
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
            // What has no place waits for a sweep.
            let _ = orders.queue.push(again);
        }
        self.dispatcher.start_next(&mut orders);
        if orders.running.is_empty() {
            self.dispatcher.0.quiet.notify_waiters();
        }
    }
}
