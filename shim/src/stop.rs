//! When to stop: SIGTERM or SIGINT once, gracefully; a second time, at once.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a process that a signal ended exits with, by the shells' convention.
const SIGNALLED: i32 = 128;

/// The signals that stop a command.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen, so that the default action no longer ends the process.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the first signal; from then on a second one ends the process at once.
    pub(crate) async fn first(mut self) {
        let name = match self.next().await {
            kind if kind == SignalKind::interrupt() => "SIGINT",
            _ => "SIGTERM",
        };
        tracing::info!(signal = name, "stopping");
        tokio::spawn(async move {
            let kind = self.next().await;
            tracing::warn!("a second signal: stopping at once");
            std::process::exit(SIGNALLED + kind.as_raw_value());
        });
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}
