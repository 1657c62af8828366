//! What both components need of their host, and the one place that names the SDK:
//! the store, the clock, randomness, variables, tasks, and HTTP in and out.
//!
//! Everything here is a thin translation; no decision is made in this crate. The host is met by
//! WASI 0.3, or by WASI 0.2 for hosts that know nothing newer: the features `wasi03`, which is
//! the default, and `wasi02` choose between two modules with the same names in them.

mod message;
mod origin;
mod outgoing;
mod store;
mod variables;
mod world;

#[cfg(feature = "wasi02")]
mod wasi02;
#[cfg(feature = "wasi03")]
mod wasi03;

#[cfg(feature = "wasi02")]
use wasi02 as host;
#[cfg(feature = "wasi03")]
use wasi03 as host;

pub use host::http::{BodyReader, BodyWriter, HttpResponse, Request};
pub use host::world::{SERVES_ONE_REQUEST, random, sleep, spawn, variable};
pub use message::{BodyError, RepeatedHeader, Response};
pub use origin::http_origin;
pub use outgoing::HttpRequest;
pub use store::KeyValueStore;
pub use variables::{VariableFault, Variables};
pub use world::{now, token};

#[doc(hidden)]
pub use host::entry::*;

#[cfg(all(feature = "wasi02", feature = "wasi03"))]
compile_error!(
    "a component is of one WASI: build it with `--no-default-features` beside `--features wasi02`"
);
#[cfg(not(any(feature = "wasi02", feature = "wasi03")))]
compile_error!("a component is of one WASI: build it with `--features wasi02` or `wasi03`");
