//! A single-threaded scheduler that chooses by seed which task goes on next, and a clock
//! that moves only when no task can.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use protocol::Timestamp;

use super::random::Random;

/// More turns than any test needs: whoever takes more goes round in circles.
const TURNS_MAX: u64 = 20_000_000;

/// Virtual time: it stands still while any task can go on, and then leaps to the next timer.
#[derive(Clone)]
pub struct Clock(Rc<Timers>);

struct Timers {
    now_ms: Cell<u64>,
    /// Who sleeps until when; the number tells sleepers of one instant apart.
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
    sleeps: Cell<u64>,
}

impl Clock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Rc::new(Timers {
            now_ms: Cell::new(start.as_unix_ms()),
            sleepers: RefCell::default(),
            sleeps: Cell::new(0),
        }))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.now_ms.get())
    }

    /// Lets `ms` milliseconds pass, and other tasks go on meanwhile.
    pub async fn sleep(&self, ms: u64) {
        let until_ms = self.0.now_ms.get() + ms;
        let number = self.0.sleeps.replace(self.0.sleeps.get() + 1);
        poll_fn(|task| {
            if self.0.now_ms.get() >= until_ms {
                return Poll::Ready(());
            }
            let waker = task.waker().clone();
            self.0
                .sleepers
                .borrow_mut()
                .insert((until_ms, number), waker);
            Poll::Pending
        })
        .await;
    }

    /// Leaps to the next time that anybody waits for, and wakes all who wait for it.
    fn advance(&self) -> bool {
        let mut sleepers = self.0.sleepers.borrow_mut();
        let Some(((next_ms, _), _)) = sleepers.first_key_value() else {
            return false;
        };
        let now_ms = self.0.now_ms.get().max(*next_ms);
        self.0.now_ms.set(now_ms);
        let later = sleepers.split_off(&(now_ms + 1, 0));
        for waker in std::mem::replace(&mut *sleepers, later).into_values() {
            waker.wake();
        }
        true
    }
}

/// Lets other tasks go on.
pub async fn pass() {
    let mut passed = false;
    poll_fn(|task| {
        if passed {
            return Poll::Ready(());
        }
        passed = true;
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs tasks, one step of one of them at a time.
pub struct Scheduler {
    clock: Clock,
    random: Random,
    /// Tasks that were spawned and not yet taken up.
    spawned: RefCell<Vec<Task>>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    ready: Arc<Ready>,
    waker: Waker,
}

struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a task will have given, once the scheduler has run.
pub struct Outcome<T>(Rc<RefCell<Option<T>>>);

impl<T> Outcome<T> {
    /// What the task gave.
    ///
    /// # Panics
    /// If it has not ended.
    pub fn take(&self) -> T {
        self.0
            .take()
            .expect("the task has ended, and only one asks")
    }
}

impl Scheduler {
    /// A scheduler that chooses as `seed` says.
    pub fn new(clock: Clock, seed: u64) -> Self {
        Self {
            clock,
            random: Random::new(seed),
            spawned: RefCell::default(),
        }
    }

    /// Adds a task; also from inside another.
    pub fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> Outcome<T> {
        let outcome = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&outcome);
        let ready = Arc::new(Ready(AtomicBool::new(true)));
        self.spawned.borrow_mut().push(Task {
            future: Box::pin(async move {
                let value = task.await;
                slot.replace(Some(value));
            }),
            waker: Waker::from(Arc::clone(&ready)),
            ready,
        });
        Outcome(outcome)
    }

    /// Runs all tasks to their end.
    ///
    /// # Panics
    /// If tasks wait for what never comes, or never end.
    pub fn run(&self) {
        let mut tasks: Vec<Task> = Vec::new();
        let mut turns = 0;
        loop {
            tasks.append(&mut self.spawned.borrow_mut());
            let Some(index) = self.choose(&tasks) else {
                if tasks.is_empty() {
                    return;
                }
                assert!(
                    self.clock.advance(),
                    "{} tasks wait for nothing",
                    tasks.len()
                );
                continue;
            };
            turns += 1;
            assert!(turns < TURNS_MAX, "the tasks go round in circles");
            let task = &mut tasks[index];
            task.ready.0.store(false, Ordering::Relaxed);
            let poll = task
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&task.waker));
            if poll.is_ready() {
                drop(tasks.swap_remove(index));
            }
        }
    }

    /// One of the tasks that can go on: the first at or after a place chosen by seed.
    fn choose(&self, tasks: &[Task]) -> Option<usize> {
        if tasks.is_empty() {
            return None;
        }
        let start = self.random.index(tasks.len());
        (start..tasks.len())
            .chain(0..start)
            .find(|index| tasks[*index].ready.0.load(Ordering::Relaxed))
    }
}
