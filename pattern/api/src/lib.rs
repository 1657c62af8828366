//! The HTTP surface of any app: `POST /orders`, or whatever its collection is called, and what
//! follows from it.
//!
//! No work is done here. An order is made durable, answered with `202 Accepted`, and
//! dispatched to the processor component after the answer; everything else reads.

mod route;

mod cancel;
mod events;
mod health;
mod history;
mod openapi;
mod page;
mod result;
mod status;
mod submit;

mod app;
mod auth;
mod call;
mod cors;
mod dispatch;
mod document;
mod etag;
mod idempotency_key;
mod prefer;
mod problem;
mod processor;
mod public_url;
mod retry_after;
mod settings;
mod share;
mod sweep;
mod trace;
mod watch;
mod weight;

#[cfg(test)]
mod sample;

pub use route::answer;
