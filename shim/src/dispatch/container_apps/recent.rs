//! Which orders have an execution on its way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an execution may take to claim its order before another one is started for it: twice
/// what Azure usually takes.
const CLAIM_MAX: Duration = Duration::from_mins(1);

/// Remembers, in this process alone, for which orders an execution was started lately.
#[derive(Default)]
pub(super) struct RecentStarts(Mutex<HashMap<Arc<str>, Instant>>);

/// An execution that is being started.
pub(super) struct Start<'a> {
    started: &'a RecentStarts,
    order_id: &'a str,
}

impl RecentStarts {
    /// Notes that an execution is started for the order, unless one was lately.
    pub(super) fn begin<'a>(&'a self, order_id: &'a str) -> Option<Start<'a>> {
        self.begin_at(order_id, Instant::now())
    }

    fn begin_at<'a>(&'a self, order_id: &'a str, now: Instant) -> Option<Start<'a>> {
        let mut started = self.lock();
        // Few are left by the rate at which Azure lets executions be started.
        started.retain(|_, at| now.duration_since(*at) < CLAIM_MAX);
        if started.contains_key(order_id) {
            return None;
        }
        started.insert(order_id.into(), now);
        Some(Start {
            started: self,
            order_id,
        })
    }

    /// OK to go on after a panic elsewhere: each change of the map is a single call.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Start<'_> {
    /// It was not started: the next dispatch may.
    pub(super) fn forget(self) {
        self.started.lock().remove(self.order_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_started_once_until_its_execution_had_the_time_to_claim_it() {
        let (started, now) = (RecentStarts::default(), Instant::now());
        assert!(started.begin_at("a", now).is_some());
        assert!(started.begin_at("a", now + CLAIM_MAX / 2).is_none());
        assert!(started.begin_at("b", now + CLAIM_MAX / 2).is_some());
        assert!(started.begin_at("a", now + CLAIM_MAX).is_some());
    }

    #[test]
    fn a_start_that_failed_may_be_repeated_at_once() {
        let started = RecentStarts::default();
        started.begin("a").expect("nothing was started").forget();
        assert!(started.begin("a").is_some());
    }
}
