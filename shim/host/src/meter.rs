//! What an instance is doing, as far as its pool and its watchdog must know.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Shared between an instance's host functions, its task and its pool. Every flag is advice
/// about where a request is served soonest, so no order between them is needed.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The instance is being run at this moment, on some thread.
    running: AtomicBool,
    /// The instance's last turn ended because its epoch did: it has more to compute.
    computing: AtomicBool,
    /// The instance stands in a host call that lets none of its other tasks go on.
    standing: AtomicBool,
    /// Epochs since the instance last waited for anything.
    busy_epochs: AtomicU64,
}

impl Meter {
    /// Whether a request that is handed to the instance now would be taken up now.
    pub(crate) fn is_ready(&self) -> bool {
        !self.running.load(Relaxed) && !self.computing.load(Relaxed) && !self.standing.load(Relaxed)
    }

    /// Whether a request would wait behind computation, or a call that others cannot pass.
    pub(crate) fn is_held_up(&self) -> bool {
        self.computing.load(Relaxed) || self.standing.load(Relaxed)
    }

    /// Notes that the instance's turn begins.
    pub(crate) fn turn_begins(&self) {
        self.running.store(true, Relaxed);
        self.computing.store(false, Relaxed);
    }

    /// Notes that the turn ended. Unless its epoch ended it, the instance waits for something,
    /// and is no longer busy.
    pub(crate) fn turn_ends(&self) {
        if !self.computing.load(Relaxed) {
            self.busy_epochs.store(0, Relaxed);
        }
        self.running.store(false, Relaxed);
    }

    /// Notes that an epoch ended while the instance computed, and returns how many have since it
    /// last waited.
    pub(crate) fn epoch_ends(&self) -> u64 {
        self.computing.store(true, Relaxed);
        self.busy_epochs.fetch_add(1, Relaxed) + 1
    }

    /// Marks the instance as standing until the returned value is dropped.
    pub(crate) fn stand(&self) -> Standing<'_> {
        self.standing.store(true, Relaxed);
        Standing(self)
    }
}

/// See [`Meter::stand`].
pub(crate) struct Standing<'a>(&'a Meter);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.standing.store(false, Relaxed);
    }
}
