//! Each owner's share of open orders: whoever has used it up submits no more until some have ended.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use protocol::OwnersFull;

use crate::app::App;

/// How long a look at what sweeps have counted is good for. They count less often.
const LOOKED_AT_MAX: Duration = Duration::from_secs(1);

thread_local! {
    static LATEST: RefCell<Option<(Instant, Rc<OwnersFull>)>> = const { RefCell::new(None) };
}

/// Whether the owner has as many open orders as it may, as the last sweep counted them.
///
/// A store that cannot say so does not make anybody wait: it refuses the submission itself.
pub async fn is_used_up(app: &App, owner: Option<&str>) -> bool {
    let latest = LATEST.with_borrow(Clone::clone);
    let full = match latest {
        Some((at, full)) if at.elapsed() < LOOKED_AT_MAX => full,
        _ => {
            let full = Rc::new(
                protocol::find_owners_full(&app.store)
                    .await
                    .unwrap_or_default(),
            );
            LATEST.set(Some((Instant::now(), full.clone())));
            full
        }
    };
    full.contains(owner)
}
