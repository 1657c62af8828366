//! The component that does nothing: what a host and one guest call cost by themselves.

use guest::{Request, Response};

async fn answer(_request: Request) -> Response {
    Response::new(200).body(b"hello".to_vec())
}

guest::serve!(answer);
