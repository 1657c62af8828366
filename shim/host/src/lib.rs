//! Components at run time: what they may import, and the instances that answer requests.
//!
//! [`Linked`] compiles the components of an app and ties them to what each is granted; a [`Pool`]
//! has the instances of one. What a component can import beside WASI is a capability, and each is one
//! module that links itself and makes its part of an instance's state: `key_value`, `variables`,
//! `outbound` and `guest_log`.
//!
//! Nothing here knows of connections, of orders, of a manifest, or of where stores keep their data.

mod component;
mod engine;
mod error;
mod guest_log;
mod key_value;
mod limits;
mod linked;
mod meter;
mod outbound;
mod pool;
mod state;
mod variables;

pub use component::{Component, Source};
pub use engine::{cache, precompile};
pub use error::{Error, LinkError};
pub use limits::InstanceLimits;
pub use linked::{Linked, Reuse, Setup};
pub use outbound::{AllowedHosts, Chain, Chaining};
pub use pool::{Policy, Pool};
pub use wasmtime::Cache;
