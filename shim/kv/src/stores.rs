//! From configuration to open labels: the one place that knows which back ends there are.

use super::cosmos::{Cosmos, CosmosSettings};
use super::crash::CrashPoint;
use super::memory::Memory;
use super::redis::{RedisAddress, RedisStore};
use super::sqlite::Database;
use super::{OpenError, SizeLimits, Store};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Where the keys of a label are kept. A new back end is a variant here, an arm in
/// [`Stores::open`] and one in [`Backend::read`], a module beside this one, and a line in the table of
/// `tests/stores`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A SQLite file in Spin's layout. Labels may share a file.
    Sqlite {
        /// The file; it and its directory are created if they are not there.
        path: PathBuf,
    },
    /// A database of a Redis server in Spin's layout. It is one label: a second may not have it.
    Redis(RedisAddress),
    /// This process's memory: fast, and gone when it ends.
    Memory,
    /// A container of Azure Cosmos DB in Spin's layout. Labels do not share a container.
    AzureCosmos(CosmosSettings),
}

impl Backend {
    /// What Spin uses where nothing is configured: `sqlite_key_value.db` in the state directory.
    pub fn default_in(state_dir: &Path) -> Self {
        Self::Sqlite {
            path: state_dir.join("sqlite_key_value.db"),
        }
    }
}

/// The open labels of an app.
pub struct Stores {
    labels: BTreeMap<String, Label>,
    databases: BTreeMap<PathBuf, Arc<Database>>,
    /// The label of each container.
    containers: BTreeMap<String, String>,
    /// Labels that hosts on other machines may have open too.
    shared: usize,
}

struct Label {
    store: Arc<dyn Store>,
    summary: String,
}

impl Stores {
    /// Opens every label, and fails if one cannot be opened: a missing store must stop a start,
    /// not the first request that needs it.
    pub async fn open(
        backends: impl IntoIterator<Item = (String, Backend)>,
        limits: SizeLimits,
    ) -> Result<Self, OpenError> {
        let mut stores = Self {
            labels: BTreeMap::new(),
            databases: BTreeMap::new(),
            containers: BTreeMap::new(),
            shared: 0,
        };
        let mut redis = BTreeMap::new();
        let crash_points = CrashPoint::from_environment()?;
        for (name, backend) in backends {
            let mut label = match backend {
                Backend::Sqlite { path } => {
                    let database = stores.database(&path).await?;
                    Label {
                        store: Arc::new(database.store(&name, limits)),
                        summary: format!("SQLite file `{}`", path.display()),
                    }
                }
                Backend::Redis(address) => {
                    if let Some(other) = redis.insert(address.to_string(), name.clone()) {
                        return Err(OpenError {
                            store: address.to_string(),
                            problem: format!(
                                "the labels `{other}` and `{name}` would share all keys there"
                            ),
                            fix: "give each a database of its own".to_owned(),
                        });
                    }
                    stores.shared += 1;
                    Label {
                        store: Arc::new(RedisStore::open(&address, limits).await?),
                        summary: address.to_string(),
                    }
                }
                Backend::Memory => Label {
                    store: Arc::new(Memory::new(limits)),
                    summary: "memory, gone when the process ends".to_owned(),
                },
                Backend::AzureCosmos(settings) => {
                    stores.shared += 1;
                    stores.container(&name, &settings, limits).await?
                }
            };
            for point in &crash_points {
                label.store = point.clone().guard(label.store);
            }
            stores.labels.insert(name, label);
        }
        Ok(stores)
    }

    /// The store under `label`, if the app has it.
    pub fn store(&self, label: &str) -> Option<Arc<dyn Store>> {
        self.labels.get(label).map(|label| label.store.clone())
    }

    /// The tenure: the time since which the hosts of this machine have had these stores for
    /// themselves, by its name. Whatever was begun in another has nobody left who works on it.
    ///
    /// None where a host elsewhere may have a store too, and where labels are in several files,
    /// each of which has a time of its own.
    pub fn tenure(&self) -> Option<Uuid> {
        let mut databases = self.databases.values();
        match (self.shared, databases.next(), databases.next()) {
            // Memory goes with its process.
            (0, None, _) => Some(Uuid::new_v4()),
            (0, Some(database), None) => database.tenure(),
            _ => None,
        }
    }

    /// Each label and where its keys are kept, for people to read.
    pub fn summaries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels
            .iter()
            .map(|(name, label)| (name.as_str(), label.summary.as_str()))
    }

    /// Finishes the writes that were accepted and leaves files that any other program can open
    /// plainly. Later writes fail.
    pub async fn close(&self) {
        for database in self.databases.values() {
            database.close().await;
        }
    }

    /// The container of `settings`, which is `label`'s alone: a document does not say whose it is.
    async fn container(
        &mut self,
        label: &str,
        settings: &CosmosSettings,
        limits: SizeLimits,
    ) -> Result<Label, OpenError> {
        let summary = settings.to_string();
        let other = self.containers.insert(summary.clone(), label.to_owned());
        if let Some(other) = other {
            return Err(OpenError {
                store: summary,
                problem: format!("labels `{other}` and `{label}` would both be in it"),
                fix: "give each a container of its own".to_owned(),
            });
        }
        Ok(Label {
            store: Arc::new(Cosmos::open(settings, limits).await?),
            summary,
        })
    }

    /// The database at `path`, opened once however many labels share it: one file has one writer.
    async fn database(&mut self, path: &Path) -> Result<Arc<Database>, OpenError> {
        if let Some(database) = self.databases.get(path) {
            return Ok(database.clone());
        }
        let database = Arc::new(Database::open(path).await?);
        self.databases.insert(path.to_owned(), database.clone());
        Ok(database)
    }
}
