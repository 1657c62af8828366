//! A Cosmos DB account on this machine: the REST calls that the SDK makes, and what the service
//! answers to them.
//!
//! It is held to the service's documentation where that is stricter than the SDK needs: every
//! request's signature or token is verified, the partition key must be the item's, versions fence,
//! items are bounded, numbers are 64-bit floats, listings come in pages from two physical
//! partitions. And reads are as stale as the account's consistency level allows: one that does not
//! ask for the latest committed version sees an item as it was before its last write.
//!
//! - [`server`]: connections, and the faults that a test orders
//! - [`request`]: a request as the service sees it; who may make it
//! - [`service`]: accounts, databases, containers, and which call is which
//! - [`items`]: the documents of a container
//! - [`identity`]: where container apps and pods get their tokens
//! - [`tls`]: a certificate for those who need one

mod identity;
mod items;
mod request;
mod server;
mod service;
mod tls;

pub(crate) use identity::{Authority, Identity, POD_TOKEN};
pub(crate) use request::Request;
pub(crate) use server::{Fault, Server};
pub(crate) use service::{Account, KEY};
