//! The order of this host's writes: those of one key are made one after another.
//!
//! Requests go out on several connections, and the service takes them as they come. Without turns
//! a write whose caller has gone away could come after one that was made later and acknowledged,
//! and undo it. And writers of one host that change one counter would only get in each other's way.

use super::call_error::CALL_MAX;
use crate::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

/// How many turns there are to have at once. Keys share them by their hash: so many that two keys
/// that are written at the same time seldom meet.
const LANES: usize = 1024;

/// Gives out turns.
pub(super) struct Turns {
    lanes: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

/// The turn of a write. Its clones are one turn, which ends with the last of them: a request that
/// is under way has its own, so that the turn outlasts a caller who goes away.
#[derive(Clone)]
pub(super) struct Turn {
    key: Arc<str>,
    _lane: Arc<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the turn of `key`, for as long as a call may take. Who gives up waiting leaves the
    /// queue and has done nothing.
    pub(super) async fn take(&self, key: &str) -> Result<Turn, Error> {
        let place = self.hasher.hash_one(key) % self.lanes.len() as u64;
        let lane = usize::try_from(place).expect("OK because there are few lanes");
        let lane = self.lanes[lane].clone().lock_owned();
        match timeout(CALL_MAX, lane).await {
            Ok(lane) => Ok(Turn {
                key: key.into(),
                _lane: Arc::new(lane),
            }),
            Err(_) => Err(Error::Contended {
                key: key.to_owned(),
            }),
        }
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            lanes: (0..LANES).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Turn {
    /// Whose turn it is.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}
