//! What every request needs and no request should fetch again: the store and the variables.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::KeyValueStore;

use crate::auth::Tokens;
use crate::cors::Origins;
use crate::problem::Problem;
use crate::settings::Settings;

/// The store and the variables, as this instance of the component first found them.
pub struct App {
    /// The key-value store.
    pub store: KeyValueStore,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many attempts an order may take.
    pub max_attempts: u32,
    /// The longest time that a request may wait for an order's end, in seconds.
    pub max_wait_seconds: u64,
    /// How many clients may wait in this instance at once.
    pub max_waiters: u32,
    /// Where the processor is, without a slash at the end.
    pub processor_url: String,
    /// Where clients reach this service, if that is not where their requests come to.
    pub public_url: Option<String>,
    /// Who may call.
    pub tokens: Tokens,
    /// Whose scripts may call.
    pub origins: Origins,
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
        let settings = Settings::read().await.map_err(Problem::misconfigured)?;
        Ok(Self {
            max_body_bytes: settings.max_body_bytes,
            max_attempts: settings.max_attempts,
            max_wait_seconds: settings.max_wait_seconds,
            max_waiters: settings.max_waiters,
            processor_url: settings.processor_url,
            public_url: settings.public_url,
            tokens: settings.tokens,
            origins: settings.origins,
            store: KeyValueStore::open().await?,
        })
    }
}
