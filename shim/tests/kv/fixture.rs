//! The back ends under test: how to come by an empty one, and by the same one again.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;
use wasm_shim::kv::{Backend, Limits, Store, Stores};

/// A back end that holds nothing yet and is cleaned up when this is dropped.
pub(crate) trait Fixture {
    /// Makes a fresh one.
    fn new() -> Self;

    /// How the host is configured to use it. The same data each time, if it is durable.
    fn backend(&self) -> Backend;

    /// Opens the labels `default` and `other`.
    async fn open(&self) -> Labels {
        let labels = ["default", "other"].map(|label| (label.to_owned(), self.backend()));
        let stores = Stores::open(labels, Limits::default())
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

    fn backend(&self) -> Backend {
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
        let Backend::Sqlite { path } = self.backend() else {
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

    fn backend(&self) -> Backend {
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
