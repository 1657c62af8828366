//! The back ends under test: how to come by an empty one, and by the same one again.

use crate::cosmos::{Account, KEY, Server};
pub(crate) use crate::kv_cosmos_real::RealCosmos;
use kv::{AccountKey, Backend, CosmosSettings, RedisAddress, SizeLimits, Store, Stores};
use redis_server::RedisServer;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// A back end that holds nothing yet and is cleaned up when this is dropped.
pub(crate) trait Fixture {
    /// Why there is none here, if it is something that the tests cannot start by themselves. Then
    /// they are skipped, and each says so.
    fn absent() -> Option<String> {
        None
    }

    /// Makes a fresh one.
    fn new() -> Self;

    /// How the host is configured to use it for `label`. The same data each time, if it is durable.
    fn backend(&self, label: &str) -> Backend;

    /// Opens the labels `default` and `other`.
    async fn open(&self) -> Labels {
        let labels = ["default", "other"].map(|label| (label.to_owned(), self.backend(label)));
        let stores = Stores::open(labels, SizeLimits::default())
            .await
            .expect("the back end opens");
        Labels { stores }
    }
}

/// A back end whose data outlast a process.
pub(crate) trait Durable: Fixture {
    /// Lets a child process come by the same data.
    fn bequeath(&self, child: &mut Command);

    /// In such a child process: the data that it is to use.
    fn inherited() -> Option<Self>
    where
        Self: Sized;
}

/// Open labels.
pub(crate) struct Labels {
    pub(crate) stores: Stores,
}

impl Labels {
    /// The label that most tests use.
    pub(crate) fn default(&self) -> Arc<dyn Store> {
        self.stores.store("default").expect("`default` was opened")
    }

    /// A second label of the same back end.
    pub(crate) fn other(&self) -> Arc<dyn Store> {
        self.stores.store("other").expect("`other` was opened")
    }
}

/// See [`Backend::Memory`].
pub(crate) struct Memory;

impl Fixture for Memory {
    fn new() -> Self {
        Self
    }

    fn backend(&self, _: &str) -> Backend {
        Backend::Memory
    }
}

/// See [`Backend::Sqlite`]: a file in a directory of its own.
pub(crate) struct Sqlite {
    directory: PathBuf,
    /// Removes the directory in the process that made it.
    _owned: Option<TempDir>,
}

/// Names the directory to a child process.
const DIRECTORY: &str = "KV_TEST_SQLITE_DIRECTORY";

impl Sqlite {
    /// The file that the labels are in.
    pub(crate) fn file(&self) -> PathBuf {
        let Backend::Sqlite { path } = self.backend("default") else {
            unreachable!("the back end is SQLite");
        };
        path
    }
}

impl Fixture for Sqlite {
    fn new() -> Self {
        let owned = TempDir::new().expect("a temporary directory can be made");
        Self {
            directory: owned.path().to_owned(),
            _owned: Some(owned),
        }
    }

    fn backend(&self, _: &str) -> Backend {
        Backend::default_in(&self.directory)
    }
}

impl Durable for Sqlite {
    fn bequeath(&self, child: &mut Command) {
        child.env(DIRECTORY, &self.directory);
    }

    fn inherited() -> Option<Self> {
        let directory = std::env::var_os(DIRECTORY)?.into();
        Some(Self {
            directory,
            _owned: None,
        })
    }
}

/// See [`Backend::Redis`]: a server of its own.
pub(crate) struct Redis {
    url: String,
    /// Kills the server in the process that started it.
    server: Option<RedisServer>,
}

/// Names the server to a child process.
const URL: &str = "KV_TEST_REDIS_URL";

impl Redis {
    /// Uses `server`.
    pub(crate) fn on(server: RedisServer) -> Self {
        Self {
            url: server.url(0),
            server: Some(server),
        }
    }

    /// The server that the labels are on.
    pub(crate) fn server(&self) -> &RedisServer {
        self.server.as_ref().expect("this process started it")
    }
}

impl Fixture for Redis {
    fn new() -> Self {
        Self::on(RedisServer::start())
    }

    fn backend(&self, label: &str) -> Backend {
        let server = self.url.trim_end_matches('0');
        // As all labels of a database share its keys, each has a database of its own.
        let database = u8::from(label != "default");
        let address = RedisAddress::parse(&format!("{server}{database}"));
        Backend::Redis(address.expect("the server's URL is one"))
    }
}

impl Durable for Redis {
    fn bequeath(&self, child: &mut Command) {
        child.env(URL, &self.url);
    }

    fn inherited() -> Option<Self> {
        let url = std::env::var(URL).ok()?;
        Some(Self { url, server: None })
    }
}

/// See [`Backend::AzureCosmos`]: an account on this machine.
pub(crate) struct Cosmos {
    endpoint: String,
    /// Serves in the process that made it.
    _server: Option<Server>,
}

/// Names the account to a child process.
const COSMOS_ENDPOINT: &str = "KV_TEST_COSMOS_FAKE_ENDPOINT";

impl Cosmos {
    /// The settings for the container of that name.
    pub(crate) fn settings(endpoint: &str, container: &str) -> CosmosSettings {
        CosmosSettings {
            account: "shop".to_owned(),
            database: "orders".to_owned(),
            container: container.to_owned(),
            key: Some(AccountKey::from(KEY.to_owned())),
            endpoint: Some(endpoint.to_owned()),
        }
    }
}

impl Fixture for Cosmos {
    fn new() -> Self {
        let server = Server::start(Account::default());
        Self {
            endpoint: server.endpoint(),
            _server: Some(server),
        }
    }

    /// Labels do not share a container.
    fn backend(&self, label: &str) -> Backend {
        Backend::AzureCosmos(Self::settings(&self.endpoint, label))
    }
}

impl Durable for Cosmos {
    fn bequeath(&self, child: &mut Command) {
        child.env(COSMOS_ENDPOINT, &self.endpoint);
    }

    fn inherited() -> Option<Self> {
        Some(Self {
            endpoint: std::env::var(COSMOS_ENDPOINT).ok()?,
            _server: None,
        })
    }
}
