//! `GET /openapi.json`: the contract, for programs.
//!
//! The document is written by hand, but for what the app says: its collection's name, the schema of
//! an order, and an example. Tests hold it to the code: to the routes in `route.rs`, to the problems
//! in `problem.rs`, and to the answers of a running service.

use std::cell::OnceCell;

use guest::{Request, Response};
use protocol::{Order, Timestamp};
use sha2::{Digest, Sha256};
use work::{Work, schema_of};

use crate::etag;
use crate::settings::Settings;

/// With the places of what the app says in double braces.
const TEMPLATE: &str = include_str!("../openapi.json");

/// When the example was completed.
const COMPLETED_AT: Timestamp = Timestamp::from_unix_ms(1_795_337_997_250);

/// How many bytes of the document's hash name its version.
const ETAG_BYTES: usize = 8;

/// The document, and the entity tag that names its version.
struct Document {
    text: &'static str,
    etag: String,
}

impl Document {
    fn new(text: String) -> Self {
        let hash = Sha256::digest(&text);
        let digits = hash
            .iter()
            .take(ETAG_BYTES)
            .map(|byte| format!("{byte:02x}"));
        Self {
            etag: format!("\"{}\"", digits.collect::<String>()),
            // Once for an instance, which hands it out piece by piece.
            text: text.leak(),
        }
    }
}

thread_local! {
    static DOCUMENT: OnceCell<Document> = const { OnceCell::new() };
}

/// `200` with the document, or `304` for a client who has it.
pub async fn get<W: Work>(request: &Request) -> Response {
    if DOCUMENT.with(|document| document.get().is_none()) {
        // Where the variables are at fault, `/readyz` says so; the app's own rules are told here.
        let schema = Settings::read::<W>()
            .await
            .ok()
            .and_then(|settings| settings.schema);
        let text = text::<W>(schema);
        DOCUMENT.with(|document| {
            document.get_or_init(|| Document::new(text));
        });
    }
    let (text, etag) = DOCUMENT.with(|document| {
        // OK because it has just been set, and nothing takes it away.
        let document = document.get().expect("the document is there");
        (document.text, document.etag.clone())
    });
    let if_none_match = request.list_header("if-none-match");
    let unchanged = if_none_match.is_some_and(|value| etag::matches(&value, &etag));
    let response = if unchanged {
        Response::new(304)
    } else {
        Response::new(200)
            .header("content-type", "application/json")
            .fixed_body(text.as_bytes())
    };
    response
        .header("cache-control", "no-cache")
        .header("etag", etag)
}

/// The document of the app `W`; with `schema`, if another than the app's own says what is accepted.
fn text<W: Work>(schema: Option<String>) -> String {
    // An example of what a variable allows is not known.
    let example = if schema.is_some() {
        "{}"
    } else {
        W::EXAMPLE.trim()
    };
    let completed = Order::parse(example.as_bytes()).map_err(|error| error.to_string());
    let completed = completed.and_then(|order| order.completed(COMPLETED_AT));
    TEMPLATE
        .replace("{{collection}}", W::COLLECTION)
        .replace("{{name}}", W::NAME)
        .replace("\"{{example}}\"", example)
        .replace(
            "\"{{completed}}\"",
            completed
                .as_ref()
                .map_or("null", |completed| completed.get()),
        )
        .replace(
            "\"{{schema}}\"",
            &schema.unwrap_or_else(schema_of::<W::Input>),
        )
}

/// The document, for the tests that hold it to the code.
#[cfg(test)]
pub fn document() -> serde_json::Value {
    let text = text::<crate::sample::Sample>(None);
    assert!(!text.contains("{{"), "every place is filled");
    serde_json::from_str(&text).expect("the OpenAPI document is JSON")
}
