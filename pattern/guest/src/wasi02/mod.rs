//! A host of WASI 0.2: an instance serves one request, and a call that waits stops all of it. So
//! the instance waits in one place, [`task`], for whatever any of its tasks waits for.

pub(crate) mod http;
pub(crate) mod key_value;
pub(crate) mod world;

mod bindings;
mod task;

/// What the code that [`serve!`](crate::serve) makes names.
pub mod entry {
    pub use wasi as sdk;

    use super::{http, task};
    use crate::{Request, Response};

    /// Answers a request by `handle`, and goes on until all tasks have ended.
    pub fn run<F>(
        request: wasi::http::types::IncomingRequest,
        out: wasi::http::types::ResponseOutparam,
        handle: impl FnOnce(Request) -> F + 'static,
    ) where
        F: Future<Output = Response> + 'static,
    {
        task::run(async move {
            let response = handle(Request::new(request)).await;
            http::respond(response, out).await;
        });
    }
}

/// Makes `$handle`, an `async fn(Request) -> Response`, the component's entry point.
#[macro_export]
macro_rules! serve {
    ($handle:path) => {
        struct Component;

        impl $crate::sdk::exports::http::incoming_handler::Guest for Component {
            fn handle(
                request: $crate::sdk::http::types::IncomingRequest,
                out: $crate::sdk::http::types::ResponseOutparam,
            ) {
                $crate::run(request, out, $handle);
            }
        }

        $crate::sdk::http::proxy::export!(Component with_types_in $crate::sdk);
    };
}
