//! What every request needs and no request should fetch again: the store, the work and the lease.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use guest::KeyValueStore;
use orders::ExpiryPolicy;

use crate::problem::Problem;
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
        let lease_seconds: u64 = guest::number("lease_seconds", 1..=86_400)
            .await
            .map_err(Problem::internal)?;
        let progress_seconds = guest::number("progress_seconds", 1..=86_400)
            .await
            .map_err(Problem::internal)?;
        let sweep_seconds: u64 = guest::number("sweep_seconds", 1..=86_400)
            .await
            .map_err(Problem::internal)?;
        let retention_seconds: u64 = guest::number("retention_seconds", 60..=3_155_760_000)
            .await
            .map_err(Problem::internal)?;
        Ok(Self {
            sweep_ms: sweep_seconds * 1000,
            owner_open_max: guest::number("max_open_orders", 1..=usize::MAX)
                .await
                .map_err(Problem::internal)?,
            expiry: ExpiryPolicy {
                interval_ms: sweep_seconds * 1000,
                retention_ms: retention_seconds * 1000,
            },
            work: ConfiguredWork::from_variables()
                .await
                .map_err(Problem::internal)?,
            lease_ms: lease_seconds * 1000,
            progress_interval: Duration::from_secs(progress_seconds),
            store: KeyValueStore::open().await?,
        })
    }
}
