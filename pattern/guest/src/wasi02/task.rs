//! Tasks, and the one place where the instance waits.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use futures::StreamExt as _;
use futures::future::{FutureExt as _, LocalBoxFuture};
use futures::stream::FuturesUnordered;
use wasi::io::poll::{Pollable, poll};

thread_local! {
    /// Tasks that have not begun.
    static SPAWNED: RefCell<Vec<LocalBoxFuture<'static, ()>>> = const { RefCell::new(Vec::new()) };
    /// What tasks wait for, and how to wake them.
    static AWAITED: RefCell<Vec<(Rc<Pollable>, Waker)>> = const { RefCell::new(Vec::new()) };
}

/// Runs `task` beside the others, until it ends.
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    SPAWNED.with_borrow_mut(|spawned| spawned.push(task.boxed_local()));
}

/// Runs `first`, and all tasks that are spawned meanwhile; returns when all have ended.
pub(super) fn run(first: impl Future<Output = ()> + 'static) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut tasks = FuturesUnordered::new();
    spawn(first);
    loop {
        tasks.extend(SPAWNED.take());
        match tasks.poll_next_unpin(&mut Context::from_waker(&waker)) {
            Poll::Ready(None) => return,
            Poll::Ready(Some(())) => {}
            Poll::Pending => {
                let may_go_on = woken.take() || SPAWNED.with_borrow(|spawned| !spawned.is_empty());
                if !may_go_on {
                    wait();
                }
            }
        }
    }
}

/// Waits for `pollable`.
pub(super) async fn ready(pollable: Pollable) {
    Ready(Rc::new(pollable)).await;
}

/// Waits until something happens that a task waits for, and wakes who waits for it.
fn wait() {
    let awaited = AWAITED.take();
    assert!(
        !awaited.is_empty(),
        "tasks must wait for the host or for each other's doing"
    );
    let pollables: Vec<_> = awaited.iter().map(|(pollable, _)| &**pollable).collect();
    let mut happened = vec![false; awaited.len()];
    for index in poll(&pollables) {
        happened[index as usize] = true;
    }
    for (happened, (pollable, waker)) in happened.into_iter().zip(awaited) {
        if happened {
            waker.wake();
        } else {
            AWAITED.with_borrow_mut(|awaited| awaited.push((pollable, waker)));
        }
    }
}

struct Ready(Rc<Pollable>);

impl Ready {
    fn forget(&self) {
        // Out of the borrow before it is dropped: that is a call to the host.
        let forgotten = AWAITED.with_borrow_mut(|awaited| {
            let place = awaited
                .iter()
                .position(|(other, _)| Rc::ptr_eq(other, &self.0));
            place.map(|place| awaited.swap_remove(place))
        });
        drop(forgotten);
    }
}

impl Future for Ready {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.ready() {
            return Poll::Ready(());
        }
        self.forget();
        let waiting = (self.0.clone(), cx.waker().clone());
        AWAITED.with_borrow_mut(|awaited| awaited.push(waiting));
        Poll::Pending
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        // What is polled must go before what it was made of; so nothing here may keep it.
        self.forget();
    }
}

/// Whether a task was woken by another, for which no host has to be waited.
#[derive(Default)]
struct Woken(AtomicBool);

impl Woken {
    fn take(&self) -> bool {
        self.0.swap(false, Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}
