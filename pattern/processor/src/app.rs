//! What every request needs and no request should fetch again: the store and the variables.

use std::cell::OnceCell;
use std::rc::Rc;

use guest::KeyValueStore;
use work::Work;

use crate::problem::Problem;
use crate::settings::Settings;

/// The store and the variables, as this instance of the component first found them.
pub struct App {
    /// The key-value store.
    pub store: KeyValueStore,
    /// What the variables say.
    pub settings: Settings,
}

impl App {
    /// The app of this instance; opened by the first request that asks.
    ///
    /// # Errors
    /// If the store cannot be opened, or a variable is not what it must be. The next request tries again.
    pub async fn get<W: Work>() -> Result<Rc<Self>, Problem> {
        thread_local! {
            static APP: OnceCell<Rc<App>> = const { OnceCell::new() };
        }
        if let Some(app) = APP.with(|app| app.get().cloned()) {
            return Ok(app);
        }
        let app = Rc::new(Self::open::<W>().await?);
        // Several first requests may have opened it at once; any of the results serves.
        Ok(APP.with(|cell| cell.get_or_init(|| app).clone()))
    }

    async fn open<W: Work>() -> Result<Self, Problem> {
        let settings = Settings::read::<W>()
            .await
            .map_err(|faults| Problem::misconfigured(faults).logged())?;
        Ok(Self {
            settings,
            store: KeyValueStore::open().await?,
        })
    }
}
