//! `GET /openapi.json`: the contract, for programs.
//!
//! The document is written by hand and embedded. Tests hold it to the code: to the routes in
//! `route.rs`, to the problems in `problem.rs`, and to the answers of a running service.

use std::cell::OnceCell;

use guest::{Request, Response};
use sha2::{Digest, Sha256};

use crate::etag;

const DOCUMENT: &str = include_str!("../openapi.json");

/// How many bytes of the document's hash name its version.
const ETAG_BYTES: usize = 8;

/// `200` with the document, or `304` for a client who has it.
pub fn get(request: &Request) -> Response {
    thread_local! {
        static ETAG: OnceCell<String> = const { OnceCell::new() };
    }
    let etag = ETAG.with(|cell| cell.get_or_init(etag_of_document).clone());
    let if_none_match = request.list_header("if-none-match");
    let unchanged = if_none_match.is_some_and(|value| etag::matches(&value, &etag));
    let response = if unchanged {
        Response::new(304)
    } else {
        Response::new(200)
            .header("content-type", "application/json")
            .fixed_body(DOCUMENT.as_bytes())
    };
    response
        .header("cache-control", "no-cache")
        .header("etag", etag)
}

fn etag_of_document() -> String {
    let hash = Sha256::digest(DOCUMENT);
    let digits = hash
        .iter()
        .take(ETAG_BYTES)
        .map(|byte| format!("{byte:02x}"));
    format!("\"{}\"", digits.collect::<String>())
}

/// The document, for the tests that hold it to the code.
#[cfg(test)]
pub fn document() -> serde_json::Value {
    serde_json::from_str(DOCUMENT).expect("the OpenAPI document is JSON")
}
