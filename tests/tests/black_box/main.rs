//! Black-box tests of the HTTP contract, against a real host.
//!
//! Goal: whatever serves `spin.toml` keeps every promise of `docs/http-api.md`, to the letter and
//! under faults. Method: a real host with real components is started on a free port with a state
//! directory of its own, and driven over HTTP and by signals; nothing is replaced by a double.
//! Tests that need no settings share one host. `ORDERS_HOST=spin` runs the same suite on Spin and
//! skips, by name, what only the shim promises. Each test's name is the sentence that it checks.

mod apps;
mod auth;
mod bodies;
mod cache;
mod cancel;
mod client;
mod connections;
mod cors;
mod documents;
mod events;
mod health;
mod history;
mod hostile;
mod idempotency;
mod ids;
mod isolation;
mod jobs;
mod limits;
mod methods;
mod metrics;
mod notify;
mod openapi;
mod progress;
mod proxies;
mod recovery;
mod redis;
mod refusals;
mod result;
mod rust_client;
mod shares;
mod status;
mod stop;
mod store;
mod submit;
mod trace;
mod traps;
mod validation;
mod variables;
mod wait;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::run(&[
        // The pattern as a whole: the client published with it, and the README's commands.
        ("client", client::TESTS),
        ("documents", documents::TESTS),
        // The same for other apps than orders.
        ("apps", apps::TESTS),
        // The routes.
        ("submit", submit::TESTS),
        ("status", status::TESTS),
        ("progress", progress::TESTS),
        ("result", result::TESTS),
        ("cancel", cancel::TESTS),
        ("wait", wait::TESTS),
        ("events", events::TESTS),
        ("history", history::TESTS),
        ("idempotency", idempotency::TESTS),
        ("health", health::TESTS),
        // The contract as a document, and who may use it from where.
        ("openapi", openapi::TESTS),
        ("auth", auth::TESTS),
        ("cors", cors::TESTS),
        ("proxies", proxies::TESTS),
        ("trace", trace::TESTS),
        // The server that does the work.
        ("worker", worker::TESTS),
        // Who is told of an order's end.
        ("notify", notify::TESTS),
        // What the routes refuse.
        ("validation", validation::TESTS),
        ("bodies", bodies::TESTS),
        ("cache", cache::TESTS),
        ("connections", connections::TESTS),
        ("ids", ids::TESTS),
        ("methods", methods::TESTS),
        // What the host guarantees around them.
        ("isolation", isolation::TESTS),
        ("shares", shares::TESTS),
        ("limits", limits::TESTS),
        ("hostile", hostile::TESTS),
        ("metrics", metrics::TESTS),
        ("traps", traps::TESTS),
        ("recovery", recovery::TESTS),
        ("store", store::TESTS),
        ("redis", redis::TESTS),
        ("jobs", jobs::TESTS),
        ("stop", stop::TESTS),
        ("refusals", refusals::TESTS),
        ("variables", variables::TESTS),
    ])
}
