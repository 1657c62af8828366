//! What both components need of their host, and the one place that names the SDK:
//! the store, the clock, randomness, variables, tasks, and HTTP in and out.
//!
//! Everything here is a thin translation; no decision is made in this crate.

mod http;
mod store;
mod world;

pub use http::{BodyError, BodyWriter, HostResponse, Request, Response, post};
pub use store::KeyValueStore;
pub use world::{now, number, random, sleep, spawn, token, variable};

/// Makes `$handle`, an `async fn(Request) -> Response`, the component's entry point.
#[macro_export]
macro_rules! serve {
    ($handle:path) => {
        struct Component;

        impl $crate::sdk::exports::http::handler::Guest for Component {
            async fn handle(
                request: $crate::sdk::http::types::Request,
            ) -> Result<$crate::sdk::http::types::Response, $crate::sdk::http::types::ErrorCode> {
                $handle($crate::Request::new(request)).await.into_host()
            }
        }

        $crate::sdk::http::service::export!(Component with_types_in $crate::sdk);
    };
}

#[doc(hidden)]
pub use spin_sdk::wasip3 as sdk;
