//! The conformance suite over a real account, whose containers it empties.
//!
//! `KV_TEST_COSMOS_ACCOUNT`, `_DATABASE`, `_CONTAINER` and `_OTHER_CONTAINER` name it,
//! `_KEY` and `_ENDPOINT` may be left out. Without them each test is skipped, and says so.

use crate::fixture::{Fixture, Labels};
use futures::TryStreamExt;
use kv::{AccountKey, Backend, CosmosSettings, SizeLimits, Stores};
use std::sync::OnceLock;
use tokio::sync::{Mutex, MutexGuard};

/// What has to be named.
const NAMES: [&str; 4] = ["ACCOUNT", "DATABASE", "CONTAINER", "OTHER_CONTAINER"];

/// A turn at the account: tests run one after another, each from empty containers.
pub(crate) struct RealCosmos {
    turn: OnceLock<MutexGuard<'static, ()>>,
}

impl RealCosmos {
    fn settings(container: &str) -> CosmosSettings {
        CosmosSettings {
            account: named("ACCOUNT").expect("it is not absent"),
            database: named("DATABASE").expect("it is not absent"),
            container: named(container).expect("it is not absent"),
            key: named("KEY").map(AccountKey::from),
            endpoint: named("ENDPOINT"),
        }
    }
}

impl Fixture for RealCosmos {
    fn absent() -> Option<String> {
        let missing = NAMES.iter().find(|name| named(name).is_none())?;
        Some(format!("no real account: set `{}`", variable(missing)))
    }

    fn new() -> Self {
        Self {
            turn: OnceLock::new(),
        }
    }

    fn backend(&self, label: &str) -> Backend {
        Backend::AzureCosmos(Self::settings(match label {
            "default" => "CONTAINER",
            _ => "OTHER_CONTAINER",
        }))
    }

    async fn open(&self) -> Labels {
        static TURNS: Mutex<()> = Mutex::const_new(());
        // OK to ignore: whoever opens again has the turn already.
        if self.turn.get().is_none() {
            let _ = self.turn.set(TURNS.lock().await);
        }
        let labels = ["default", "other"].map(|label| (label.to_owned(), self.backend(label)));
        let stores = Stores::open(labels, SizeLimits::default())
            .await
            .expect("the account is as it should be");
        for label in ["default", "other"] {
            let store = stores.store(label).expect("it was opened");
            let keys: Vec<_> = store.keys().try_collect().await.expect("it can be listed");
            store
                .delete_many(keys.concat())
                .await
                .expect("it can be emptied");
        }
        Labels { stores }
    }
}

fn variable(name: &str) -> String {
    format!("KV_TEST_COSMOS_{name}")
}

fn named(name: &str) -> Option<String> {
    let value = std::env::var(variable(name)).ok()?;
    (!value.is_empty()).then_some(value)
}
