//! When to stop: SIGTERM or SIGINT once, gracefully; a second time, at once.
//!
//! Signals are listened for from the first instruction on, by a thread of their own: the first
//! process of a container, which ours is in its image, is not ended by a signal that it ignores.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// What a process that a signal ended exits with, by the shells' convention.
const SIGNALLED: i32 = 128;

/// The signals that stop a command.
#[derive(Clone, Debug)]
pub struct Signals(Arc<Mutex<Phase>>);

/// What a signal does.
#[derive(Debug)]
enum Phase {
    /// What to end with is not known yet: it is kept until then.
    Unknown(Option<SignalKind>),
    /// There is nothing to finish: it ends the process, with this code if there is one.
    Beginning(Option<i32>),
    /// It is passed on.
    Running(oneshot::Sender<SignalKind>),
    /// It is the second.
    Stopping,
}

impl Signals {
    /// Begins to listen, so that no signal is lost and the default action no longer ends the process.
    pub fn listen() -> io::Result<Self> {
        let signals = Self(Arc::new(Mutex::new(Phase::Unknown(None))));
        let (listening, listens) = mpsc::channel();
        let listener = signals.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                // OK to ignore: who started this waits for the result.
                let _ = match Listener::new() {
                    Ok(both) => {
                        let sent = listening.send(Ok(()));
                        listener.pass_on(both);
                        sent
                    }
                    Err(error) => listening.send(Err(error)),
                };
            })?;
        listens.recv().map_err(io::Error::other)??;
        Ok(signals)
    }

    /// Has a signal that comes before there is anything to finish, or that has come, end the process:
    /// with `code`, or as a process that a signal ended.
    pub(crate) fn end_with(&self, code: Option<i32>) {
        let before = std::mem::replace(&mut *self.phase(), Phase::Beginning(code));
        if let Phase::Unknown(Some(kind)) = before {
            end(kind, code);
        }
    }

    /// Waits for the first signal; from then on a second one ends the process at once.
    pub(crate) async fn first(self) {
        let (sender, signal) = oneshot::channel();
        *self.phase() = Phase::Running(sender);
        // OK to ignore: what listens goes on for as long as the process does.
        if let Ok(kind) = signal.await {
            tracing::info!(signal = name(kind), "stopping");
        }
    }

    fn pass_on(&self, mut both: Listener) {
        loop {
            let kind = both.next();
            let mut phase = self.phase();
            if let Phase::Unknown(first @ None) = &mut *phase {
                *first = Some(kind);
                continue;
            }
            let before = std::mem::replace(&mut *phase, Phase::Stopping);
            drop(phase);
            match before {
                Phase::Running(sender) => {
                    // OK to ignore: a command that no longer waits is about to end.
                    let _ = sender.send(kind);
                }
                Phase::Beginning(code) => end(kind, code),
                Phase::Unknown(_) | Phase::Stopping => {
                    tracing::warn!("a second signal: stopping at once");
                    std::process::exit(SIGNALLED + kind.as_raw_value());
                }
            }
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        // OK because nothing panics while it holds the lock.
        self.0.lock().expect("the phase is never poisoned")
    }
}

fn end(kind: SignalKind, code: Option<i32>) -> ! {
    tracing::info!(signal = name(kind), "stopping before anything has begun");
    std::process::exit(code.unwrap_or(SIGNALLED + kind.as_raw_value()));
}

fn name(kind: SignalKind) -> &'static str {
    if kind == SignalKind::interrupt() {
        "SIGINT"
    } else {
        "SIGTERM"
    }
}

/// Both signals, and what it takes to wait for them.
struct Listener {
    runtime: runtime::Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Listener {
    fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let _entered = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            runtime,
        })
    }

    fn next(&mut self) -> SignalKind {
        let Self {
            runtime,
            terminate,
            interrupt,
        } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => SignalKind::terminate(),
                _ = interrupt.recv() => SignalKind::interrupt(),
            }
        })
    }
}
