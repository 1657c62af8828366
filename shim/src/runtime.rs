//! The two runtimes: one serves clients, one works on orders.
//!
//! The threads that work on orders run at a lower priority, so that however much orders compute,
//! requests are answered first. Within a runtime it is epochs that make guests take turns.

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};

/// How nice the threads are that work on orders (0 is the default, 19 the most).
///
/// The kernel gives a thread of niceness 10 a tenth of the time of one of niceness 0 when both
/// want all of it: orders yield to requests, and yet their leases are renewed under full load.
const NICENESS: i32 = 10;

/// After how many turns of tasks a thread that serves looks for what came over the network, and for what
/// other threads woke. Where it has enough to do, it would not before 61: a turn of an instance can take
/// two milliseconds, and who has just asked would wait for a tenth of a second.
const TURNS_PER_LOOK: u32 = 4;

/// Where what runs. Dropping it ends both at once.
pub(crate) struct Runtimes {
    /// Connections, and the components that serve them.
    pub(crate) serving: Runtime,
    /// The component that works on orders.
    pub(crate) working: Runtime,
}

impl Runtimes {
    /// Starts a thread per core for each.
    pub(crate) fn new() -> std::io::Result<Self> {
        let serving = Builder::new_multi_thread()
            .thread_name("serve")
            .event_interval(TURNS_PER_LOOK)
            .global_queue_interval(TURNS_PER_LOOK)
            .enable_all()
            .build()?;
        let working = Builder::new_multi_thread()
            .thread_name("work")
            .on_thread_start(|| {
                // `None` is the calling thread. It is worth no more than a line if it fails.
                if let Err(error) = setpriority_process(None, NICENESS) {
                    tracing::warn!(
                        error = error.to_string(),
                        "orders are worked on at full priority"
                    );
                }
            })
            .enable_all()
            .build()?;
        Ok(Self { serving, working })
    }

    /// Ends both without waiting for what still runs.
    pub(crate) fn shut_down(self) {
        self.serving.shutdown_background();
        self.working.shutdown_background();
    }
}
