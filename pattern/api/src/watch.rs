//! Watching an order for a client who waits: by looking at its record now and then.
//!
//! A key-value store has no notification, so a watcher reads: at once, then ever less
//! often, down to once a second, which is what a waiting client costs the store. When the
//! order's status changes it begins anew, because short work that has begun ends soon. A
//! change of progress says no such thing, and comes too often.

use std::cell::Cell;
use std::time::Duration;

use protocol::{OrderId, Record};

use crate::app::App;
use crate::problem::Problem;

/// The time to the second look, and after a change of status.
const LOOK_FIRST: Duration = Duration::from_millis(50);
/// The longest time between two looks.
const LOOK_LAST: Duration = Duration::from_secs(1);

thread_local! {
    static WATCHERS: Cell<u32> = const { Cell::new(0) };
}

/// One client's watch over one order, and a place among those that the instance has.
pub struct Watch {
    id: OrderId,
    pause: Duration,
}

impl Watch {
    /// Takes a place.
    ///
    /// # Errors
    /// A problem, when the instance has as many watchers as the variable `max_waiters` allows.
    pub fn begin(app: &App, id: OrderId) -> Result<Self, Problem> {
        if WATCHERS.get() >= app.settings.max_waiters {
            return Err(Problem::too_many_waiters());
        }
        WATCHERS.set(WATCHERS.get() + 1);
        Ok(Self {
            id,
            pause: LOOK_FIRST,
        })
    }

    /// Waits until it is time for the next look, or for `longest` if that is sooner.
    pub async fn pause(&mut self, longest: Duration) {
        guest::sleep(self.pause.min(longest)).await;
        self.pause = (self.pause * 3 / 2).min(LOOK_LAST);
    }

    /// Looks for another revision than `known`'s.
    ///
    /// # Errors
    /// If the store fails, or the order is gone.
    pub async fn look(&mut self, app: &App, known: &Record) -> Result<Option<Record>, Problem> {
        let record = protocol::find(&app.store, self.id).await?;
        let record = record.ok_or_else(|| Problem::order_not_found(&self.id.to_string()))?;
        if record.status() != known.status() {
            self.pause = LOOK_FIRST;
        }
        Ok((record.revision != known.revision).then_some(record))
    }

    /// Waits for the order's end, for `seconds` at most; returns its record as it is then.
    ///
    /// # Errors
    /// If the store fails, or the order is gone.
    pub async fn ended(
        mut self,
        app: &App,
        mut record: Record,
        seconds: u64,
    ) -> Result<Record, Problem> {
        let deadline = guest::now().plus_ms(seconds * 1000);
        while !record.status().is_terminal() {
            let left_ms = deadline.ms_since(guest::now());
            if left_ms == 0 {
                break;
            }
            self.pause(Duration::from_millis(left_ms)).await;
            if let Some(changed) = self.look(app, &record).await? {
                record = changed;
            }
        }
        Ok(record)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHERS.set(WATCHERS.get() - 1);
    }
}
