//! What every request needs and no request should fetch again: the store and the variables.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::KeyValueStore;

use crate::problem::Problem;

/// The store and the variables, as this instance of the component first found them.
pub struct App {
    /// The key-value store.
    pub store: KeyValueStore,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many attempts an order may take.
    pub max_attempts: u32,
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
        Ok(Self {
            max_body_bytes: guest::number("max_body_bytes", 1..=1_000_000_000)
                .await
                .map_err(Problem::internal)?,
            max_attempts: guest::number("max_attempts", 1..=1000)
                .await
                .map_err(Problem::internal)?,
            store: KeyValueStore::open().await?,
        })
    }
}
