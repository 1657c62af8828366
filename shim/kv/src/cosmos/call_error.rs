//! Why a call did not succeed, and what a caller is told of it.

use super::client::OPERATION_MAX;
use crate::{Error, OpenError};
use azure_data_cosmos::CosmosError;
use std::sync::Arc;
use std::time::Duration;

/// How long a call may take altogether. The SDK's own limit leaves out the time that it takes to
/// get a token.
pub(super) const CALL_MAX: Duration = OPERATION_MAX.saturating_add(Duration::from_secs(5));

/// The sub-status of a 404 that means the container, or its database.
const OWNER_MISSING: u16 = 1003;

/// The sub-statuses of a 403 that mean the region: it takes no writes, or has left the account.
const REGION_LEFT: [u16; 2] = [3, 1008];

/// The sub-status by which the SDK says that it looked for a region that takes writes, and found none.
const NO_WRITE_REGION: u16 = 20_311;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The account refused it, or its answer did not come.
    #[error("{}", one_line(.0))]
    Sdk(#[source] CosmosError),
    /// An item came without its version, so that no write of it can be fenced.
    #[error("the answer has no ETag")]
    Unfenced,
    /// Nothing came of it in time.
    #[error("no answer within {} s", CALL_MAX.as_secs())]
    TimedOut,
    /// The host is stopping.
    #[error("the store is closed")]
    Stopped,
    /// The container has not been opened yet, and could not be.
    #[error("{0}")]
    NotOpen(Arc<OpenError>),
}

impl CallError {
    /// Whether there is no such item. Says nothing of a container that is gone.
    pub(super) fn is_not_found(&self) -> bool {
        self.sdk()
            .is_some_and(|error| error.status().is_not_found())
    }

    /// Whether an item of that id is there already.
    pub(super) fn is_conflict(&self) -> bool {
        self.sdk().is_some_and(|error| error.status().is_conflict())
    }

    /// Whether the item is no longer the one that was read.
    pub(super) fn is_changed(&self) -> bool {
        let changed = |error: &CosmosError| error.status().is_precondition_failed();
        self.is_not_found() || self.sdk().is_some_and(changed)
    }

    /// Whether the region that was asked is no longer the one that takes writes, as after a failover.
    pub(super) fn tells_of_another_region(&self) -> bool {
        self.sdk().is_some_and(|error| {
            let status = error.status();
            let sub_status = status.sub_status().map(|code| code.value());
            sub_status.is_some_and(|code| {
                code == NO_WRITE_REGION || (status.is_forbidden() && REGION_LEFT.contains(&code))
            })
        })
    }

    /// Whether the account looked at the call and did none of it, for a reason that may pass.
    fn is_refused(&self) -> bool {
        let is_denied =
            |error: &CosmosError| error.status().is_forbidden() || error.status().is_unauthorized();
        self.tells_of_another_region() || self.sdk().is_some_and(is_denied)
    }

    /// What the caller of `store` is told.
    pub(super) fn into_error(self, store: &Arc<str>, action: &'static str) -> Error {
        // Since nothing is repeated but what was refused, a refusal is about every try: nothing
        // was written.
        if self
            .sdk()
            .is_some_and(|error| error.status().is_throttled())
        {
            return Error::Throttled {
                store: store.clone(),
                action,
            };
        }
        let store = store.clone();
        if self.is_refused() {
            return Error::Refused {
                store,
                action,
                cause: Arc::new(self),
            };
        }
        Error::Unavailable {
            store,
            action,
            cause: Arc::new(self),
        }
    }

    fn sdk(&self) -> Option<&CosmosError> {
        match self {
            Self::Sdk(error) => Some(error),
            Self::Unfenced | Self::TimedOut | Self::Stopped | Self::NotOpen(_) => None,
        }
    }
}

/// Whether the database or the container is missing.
pub(super) fn is_missing(error: &CosmosError) -> bool {
    let status = error.status();
    let owner = status.sub_status().map(|code| code.value()) == Some(OWNER_MISSING);
    status.is_not_found() || (u16::from(status.status_code()) == 404 && owner)
}

/// The SDK's sentence and what caused it. Its other forms have diagnostics over many lines.
pub(super) fn one_line(error: &CosmosError) -> String {
    super::account::chain(error)
}
