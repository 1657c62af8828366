//! Dispatches for later: orders whose next attempt has a time. No instance waits for it.

use super::queue::Dispatch;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tokio::time::Instant;

/// Dispatches that have a time, as many as there is room for.
pub(super) struct Timers {
    max: usize,
    /// By their times and, where these are the same, in the order in which they were set.
    set: BinaryHeap<Reverse<Timer>>,
    count: u64,
}

struct Timer {
    at: (Instant, u64),
    dispatch: Dispatch,
}

impl Timers {
    /// Room for `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            set: BinaryHeap::new(),
            count: 0,
        }
    }

    /// Keeps `dispatch` until `at`, if there is room.
    pub(super) fn set(&mut self, at: Instant, dispatch: Dispatch) -> bool {
        let has_room = self.set.len() < self.max;
        if has_room {
            self.count += 1;
            let at = (at, self.count);
            self.set.push(Reverse(Timer { at, dispatch }));
        }
        has_room
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.set.peek().map(|Reverse(timer)| timer.at.0)
    }

    /// The next that is due by `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Dispatch> {
        if self.next()? > now {
            return None;
        }
        self.set.pop().map(|Reverse(timer)| timer.dispatch)
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.set.clear();
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn dispatch(order_id: &str) -> Dispatch {
        Dispatch {
            order_id: order_id.into(),
            traceparent: None,
        }
    }

    #[test]
    fn what_is_due_comes_by_its_time_and_the_rest_stays() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut timers = Timers::new(3);
        assert_eq!(timers.next(), None);
        assert!(timers.set(after(2), dispatch("late")));
        assert!(timers.set(after(1), dispatch("soon")));
        assert!(timers.set(after(1), dispatch("next")));
        assert!(!timers.set(after(0), dispatch("too many")));
        assert_eq!(timers.next(), Some(after(1)));
        assert!(timers.pop_due(now).is_none());
        let mut due = || timers.pop_due(after(1)).map(|dispatch| dispatch.order_id);
        assert_eq!(due().as_deref(), Some("soon"));
        assert_eq!(due().as_deref(), Some("next"));
        assert_eq!(due(), None);
        assert_eq!(timers.next(), Some(after(2)));
        timers.clear();
        assert_eq!(timers.next(), None);
    }
}
