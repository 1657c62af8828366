//! What every request needs and no request should fetch again: the store and the variables.

use std::cell::OnceCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::str::FromStr;

use guest::KeyValueStore;

use crate::auth::Tokens;
use crate::cors::Origins;
use crate::problem::Problem;
use crate::public_url;

/// The largest `max_body_bytes`: with its history, an order must fit the 1 MiB that stores allow a value.
const MAX_BODY_BYTES_MAX: usize = 700_000;

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
        Ok(Self {
            max_body_bytes: number("max_body_bytes", 1..=MAX_BODY_BYTES_MAX).await?,
            max_attempts: number("max_attempts", 1..=1000).await?,
            max_wait_seconds: number("max_wait_seconds", 0..=3600).await?,
            max_waiters: number("max_waiters", 0..=1_000_000).await?,
            processor_url: text("processor_url")
                .await?
                .trim_end_matches('/')
                .to_owned(),
            public_url: public_url::parse(&text("public_url").await?).map_err(Problem::internal)?,
            tokens: Tokens::parse(&text("api_tokens").await?).map_err(Problem::internal)?,
            origins: Origins::parse(&text("cors_origins").await?),
            store: KeyValueStore::open().await?,
        })
    }
}

async fn number<T: FromStr + PartialOrd + Display>(
    name: &str,
    range: RangeInclusive<T>,
) -> Result<T, Problem> {
    guest::number(name, range).await.map_err(Problem::internal)
}

async fn text(name: &str) -> Result<String, Problem> {
    guest::variable(name).await.map_err(Problem::internal)
}
