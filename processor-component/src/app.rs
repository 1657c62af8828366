//! What every request needs and no request should fetch again: the store, the work and the lease.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use guest::KeyValueStore;
use orders::ExpiryPolicy;

use crate::problem::Problem;
use crate::settings::Settings;
use crate::work::ConfiguredWork;

/// The store, the work and the lease, as this instance of the component first found them.
pub struct App {
    /// The key-value store.
    pub store: KeyValueStore,
    /// What processing an order means.
    pub work: ConfiguredWork,
    /// How long a claim holds without renewal, in milliseconds.
    pub lease_ms: u64,
    /// The longest time between two looks at an attempt's progress.
    pub progress_interval: Duration,
    /// The time between two sweeps, in milliseconds.
    pub sweep_ms: u64,
    /// How many open orders one owner may have.
    pub owner_open_max: usize,
    /// How long to keep orders that have ended.
    pub expiry: ExpiryPolicy,
}

impl App {
    /// The app of this instance; opened by the first request that asks.
    ///
    /// # Errors
    /// If the store cannot be opened, or a variable is not what it must be. The next request tries again.
    pub async fn get() -> Result<Rc<Self>, Problem> {
        thread_local! {
            static APP: OnceCell<Rc<App>> = const { OnceCell::new() };
        }
        if let Some(app) = APP.with(|app| app.get().cloned()) {
            return Ok(app);
        }
        let app = Rc::new(Self::open().await?);
        // Several first requests may have opened it at once; any of the results serves.
        Ok(APP.with(|cell| cell.get_or_init(|| app).clone()))
    }

    async fn open() -> Result<Self, Problem> {
        let settings = Settings::read()
            .await
            .map_err(|faults| Problem::misconfigured(faults).logged())?;
        Ok(Self {
            work: settings.work,
            lease_ms: settings.lease_ms,
            progress_interval: settings.progress_interval,
            sweep_ms: settings.sweep_ms,
            owner_open_max: settings.owner_open_max,
            expiry: settings.expiry,
            store: KeyValueStore::open().await?,
        })
    }
}
