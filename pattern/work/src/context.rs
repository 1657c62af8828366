//! What work is told, and how it tells and learns what matters meanwhile.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use protocol::{OrderId, Record, Timestamp};

/// What the work knows of its attempt, and how it tells and learns what matters meanwhile.
pub struct Context {
    id: OrderId,
    owner: Option<String>,
    attempt: u32,
    max_attempts: u32,
    deadline: Timestamp,
    trace: Vec<(&'static str, String)>,
    progress: Cell<Option<f64>>,
    cancelled: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Context {
    /// That of the attempt that `record` tells of, which is given up at `deadline`.
    pub fn new(record: &Record, deadline: Timestamp) -> Self {
        Self {
            id: record.id,
            owner: record.owner.clone(),
            attempt: record.attempt,
            max_attempts: record.max_attempts,
            deadline,
            trace: record.trace(),
            progress: Cell::new(None),
            cancelled: Cell::new(false),
            waiting: Cell::new(None),
        }
    }

    /// The order's id.
    pub fn id(&self) -> OrderId {
        self.id
    }

    /// The name of who submitted the order; nobody in particular if the service is open.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether no other attempt is made if this one fails, whatever its error says.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }

    /// When this attempt is given up: it counts as failed then, and another is made, if there is one.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The trace that the order belongs to (W3C Trace Context and Baggage), as headers for calls
    /// that the work makes.
    pub fn trace(&self) -> &[(&'static str, String)] {
        &self.trace
    }

    /// Tells how much of the work is done, 0 to 1. Cheap: it is stored from time to time.
    pub fn set_progress(&self, progress: f64) {
        self.progress.set(Some(progress));
    }

    /// How much of the work was last said to be done.
    pub fn progress(&self) -> Option<f64> {
        self.progress.get()
    }

    /// Whether the outcome is of no use any more: the order was cancelled, the lease was lost, or the
    /// deadline is over.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled). Work has a second to clean up from then on.
    pub async fn cancelled(&self) {
        poll_fn(|task| {
            if self.cancelled.get() {
                return Poll::Ready(());
            }
            self.waiting.set(Some(task.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Says that the outcome is of no use any more.
    pub fn cancel(&self) {
        self.cancelled.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Lets the lease be renewed and other attempts go on. For work that computes for long.
    pub async fn pause(&self) {
        guest::sleep(std::time::Duration::ZERO).await;
    }
}
