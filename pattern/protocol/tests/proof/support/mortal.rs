//! Tasks that can die between any two steps.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Whether the process that a task stands for has died.
#[derive(Clone, Debug, Default)]
pub struct Life {
    over: Rc<Cell<bool>>,
}

impl Life {
    /// Ends it: [`mortal`] drops the task instead of going on.
    pub fn end(&self) {
        self.over.set(true);
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.over.get()
    }
}

/// `task`, until `life` is over: then it is dropped as it stands, and gives `None`.
pub async fn mortal<T>(life: Life, task: impl Future<Output = T>) -> Option<T> {
    Mortal {
        life,
        task: Box::pin(task),
    }
    .await
}

struct Mortal<F> {
    life: Life,
    task: Pin<Box<F>>,
}

impl<F: Future> Future for Mortal<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = self.task.as_mut().poll(context);
        // What was ready in the same step was not told to anybody any more.
        if self.life.is_over() {
            return Poll::Ready(None);
        }
        poll.map(Some)
    }
}
