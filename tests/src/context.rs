//! What belongs to the test that runs: its one deadline, its hosts' output, its first panic.
//!
//! No other clock decides a test: whatever waits, waits for something to happen and gives
//! up at this deadline. Threads that a test starts with [`together`] share its context.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::HostKind;

/// Far more than any test needs on a slow and busy machine, on the shim; it only ends what hangs.
const DEADLINE: Duration = Duration::from_mins(3);

/// As [`DEADLINE`], for what is long on purpose.
const DEADLINE_OF_LONG_PROOFS: Duration = Duration::from_hours(2);

/// Lines of a host's output that a failure shows.
const OUTPUT_LINES_MAX: usize = 100;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

/// Runs `task` on `count` threads at once, given their numbers, and returns what each returned.
pub fn together<T: Send>(count: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let context = Context::current();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|index| {
                let (context, task) = (Arc::clone(&context), &task);
                scope.spawn(move || {
                    context.enter();
                    task(index)
                })
            })
            .collect();
        let ended: Vec<_> = threads
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        ended
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|panic| panic::resume_unwind(panic)))
            .collect()
    })
}

/// Runs `task` as a test that may take so long, for programs that are none.
pub fn within<T>(duration: Duration, task: impl FnOnce() -> T) -> T {
    Context::with_deadline(duration).enter();
    task()
}

/// Repeats `attempt` until it returns something.
///
/// For conditions of which nobody tells: files, and answers that carry no `Retry-After`.
pub fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        pause(Duration::from_millis(20), what);
    }
}

/// Lets time pass, as `Retry-After` asks a client to do.
pub fn pause(duration: Duration, what: &str) {
    let remaining = Context::current().remaining(what);
    thread::sleep(duration.min(remaining));
}

/// Whether proofs take long and are thorough, as `ORDERS_PROVE=long` says, or are bounded.
pub fn is_long() -> bool {
    std::env::var("ORDERS_PROVE").is_ok_and(|value| value == "long")
}

/// Tells a process's name, and the lines that it has printed.
type Printed = dyn Fn() -> (String, Vec<String>) + Send;

/// A test that runs.
pub(crate) struct Context {
    deadline: Instant,
    outputs: Mutex<Vec<(usize, Box<Printed>)>>,
    panic: Mutex<Option<String>>,
}

impl Context {
    /// The context of this thread; a fresh one where no test runs.
    pub(crate) fn current() -> Arc<Self> {
        CURRENT.with_borrow_mut(|current| Arc::clone(current.get_or_insert_with(Self::fresh)))
    }

    /// Runs a test in a context of its own.
    ///
    /// # Errors
    /// If it panicked: with the panic's message and with what its hosts printed meanwhile.
    pub(crate) fn run(test: impl FnOnce()) -> Result<(), String> {
        let context = Self::fresh();
        context.enter();
        let outcome = panic::catch_unwind(AssertUnwindSafe(test));
        CURRENT.set(None);
        outcome.map_err(|_| context.report())
    }

    /// Keeps a panic's message for the report of the test whose thread this is.
    pub(crate) fn note_panic(message: String) {
        let context = Self::current();
        locked(&context.panic).get_or_insert(message);
    }

    /// Shows what `printed` tells, if the test fails; once for each `id`.
    pub(crate) fn watch(&self, id: usize, printed: Box<Printed>) {
        let mut outputs = locked(&self.outputs);
        if !outputs.iter().any(|(watched, _)| *watched == id) {
            outputs.push((id, printed));
        }
    }

    /// The time that is left.
    pub(crate) fn remaining(&self, what: &str) -> Duration {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        assert!(
            !remaining.is_zero(),
            "the test's deadline passed while waiting for {what}"
        );
        remaining
    }

    fn fresh() -> Arc<Self> {
        let deadline = if is_long() {
            DEADLINE_OF_LONG_PROOFS
        } else {
            DEADLINE
        };
        // A host that is none is refused before the first test.
        let slowness = HostKind::from_environment().map_or(1, HostKind::slowness);
        Self::with_deadline(deadline * slowness)
    }

    fn with_deadline(duration: Duration) -> Arc<Self> {
        Arc::new(Self {
            deadline: Instant::now() + duration,
            outputs: Mutex::default(),
            panic: Mutex::default(),
        })
    }

    fn enter(self: &Arc<Self>) {
        CURRENT.set(Some(Arc::clone(self)));
    }

    fn report(&self) -> String {
        let mut report = locked(&self.panic)
            .take()
            .unwrap_or_else(|| "panicked".to_owned());
        for (_, printed) in &*locked(&self.outputs) {
            let (name, lines) = printed();
            let omitted = lines.len().saturating_sub(OUTPUT_LINES_MAX);
            // OK because writing to a string cannot fail.
            writeln!(report, "\n\n{name} printed:").expect("a string takes what is written");
            if omitted > 0 {
                writeln!(report, "  ({omitted} earlier lines omitted)")
                    .expect("a string takes what is written");
            }
            for line in &lines[omitted..] {
                writeln!(report, "  {line}").expect("a string takes what is written");
            }
        }
        report
    }
}

/// A lock that a failed test left poisoned still guards data that other tests may use.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
