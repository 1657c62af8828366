//! Labels in containers of Azure Cosmos DB, in Spin's layout: each key a document and a partition
//! of its own.
//!
//! What makes this a [`Store`](super::Store): a document's `ETag` fences each swap and increment;
//! reads ask for the latest committed version; and the SDK is held to repeat nothing whose fate is
//! unknown. [`client`] has the settings, `docs/decisions/0008-cosmos-reads-the-latest-committed.md`
//! the reasons.

mod account;
mod call_error;
mod client;
mod container;
mod credential;
mod document;
mod key;
mod listing;
mod open;
mod settings;
mod store;
mod turns;

pub(super) use store::Cosmos;

pub use settings::{AccountKey, CosmosSettings};
