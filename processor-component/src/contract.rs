//! What work is: the trait that `work.rs` implements, and what it is given.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use orders::{Order, OrderId};
use serde_json::value::RawValue;

/// What processing an order means.
pub trait Work {
    /// Does the work of one attempt.
    ///
    /// It runs at least once for each order, and again after a crash or a retryable
    /// error: it must bear being repeated. [`Context::id`] is the same each time and
    /// serves as an idempotency key.
    ///
    /// The order's lease is renewed while this waits for something. Work that computes
    /// for long must let others have a turn now and then, by [`Context::pause`].
    ///
    /// # Errors
    /// [`WorkError`] says whether another attempt is made.
    async fn run(&self, order: &Order, context: &Context) -> Result<Outcome, WorkError>;
}

/// What the work gave.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// JSON that the client gets as `result`, if there is more to say than that it is done.
    pub result: Option<Box<RawValue>>,
}

/// Why the work was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkError {
    /// Another attempt may succeed. After the last one the order fails.
    Retryable {
        /// What went wrong, for people.
        message: String,
        /// How long to wait before the next attempt, in milliseconds; the usual back-off if `None`.
        delay_ms: Option<u64>,
    },
    /// Another attempt is of no use: the order fails.
    Permanent {
        /// What went wrong, for people.
        message: String,
    },
}

/// What the work knows of its attempt, and how it tells and learns what matters meanwhile.
pub struct Context {
    id: OrderId,
    attempt: u32,
    trace: Vec<(&'static str, String)>,
    progress: Cell<Option<f64>>,
    cancelled: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Context {
    pub(crate) fn new(id: OrderId, attempt: u32, trace: Vec<(&'static str, String)>) -> Self {
        Self {
            id,
            attempt,
            trace,
            progress: Cell::new(None),
            cancelled: Cell::new(false),
            waiting: Cell::new(None),
        }
    }

    /// The order's id.
    pub fn id(&self) -> OrderId {
        self.id
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
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
    pub(crate) fn progress(&self) -> Option<f64> {
        self.progress.get()
    }

    /// Whether the outcome is of no use any more: the order was cancelled, or the lease was lost.
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

    pub(crate) fn cancel(&self) {
        self.cancelled.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Lets the lease be renewed and other attempts go on. For work that computes for long.
    #[allow(
        dead_code,
        reason = "the work that ships waits and never computes; yours may"
    )]
    pub async fn pause(&self) {
        guest::sleep(std::time::Duration::ZERO).await;
    }
}
