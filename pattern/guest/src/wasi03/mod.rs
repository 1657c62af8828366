//! A host of WASI 0.3: an instance serves many requests, and every call that waits lets its other
//! tasks go on.

pub(crate) mod http;
pub(crate) mod key_value;
pub(crate) mod world;

/// What the code that [`serve!`](crate::serve) makes names.
pub mod entry {
    pub use spin_sdk::wasip3 as sdk;
}

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
