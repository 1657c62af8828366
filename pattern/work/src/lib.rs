//! What an app is to the pattern: one trait, [`Work`], and what its implementation is given.
//!
//! An app says what an order is, by a type; what its collection is called, from which every path
//! and link follows; and what working on an order means. It knows neither the HTTP surface nor the
//! store, nor leases, nor hosts: those are the pattern's, and are the same for every app.

mod context;
mod error;
mod fault;
mod integer;
mod rules;
mod schema;
mod sent;

use std::future::Future;

pub use context::Context;
pub use error::WorkError;
pub use fault::{Fault, Faults};
pub use guest::{
    BodyError, BodyReader, BodyWriter, HttpRequest, HttpResponse, Variables, now, random, sleep,
};
pub use integer::integer;
pub use protocol::{DETAILS_BYTES_MAX, RESULT_BYTES_MAX, Timestamp};
pub use rules::{InvalidOrder, Rules, schema_of};
pub use schemars::{self, JsonSchema};
pub use sent::Sent;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An app.
pub trait Work: Sized + 'static {
    /// The collection's name: the first segment of every path and link. In the plural, of lower-case
    /// letters, digits and hyphens.
    const COLLECTION: &'static str;
    /// What one of the collection is called: in lower case. In a result it is the member that holds
    /// what the client sent.
    const NAME: &'static str;
    /// An example of what clients send, as JSON: for the `OpenAPI` document, the page and tests.
    const EXAMPLE: &'static str;

    /// What clients send. Its JSON Schema is what orders are held to, and what clients are told.
    type Input: DeserializeOwned + JsonSchema;
    /// What the client gets as `result`; nothing if it is `null` in JSON, as `()` is.
    type Output: Serialize;

    /// Notes what is wrong with an order that its schema allows.
    fn check(_input: &Self::Input, _faults: &mut Faults) {}

    /// Reads the variables that say how the work is done, and notes in `variables` what is wrong with
    /// them.
    fn from_variables(variables: &mut Variables) -> impl Future<Output = Self>;

    /// Does the work of one attempt.
    ///
    /// It runs at least once for each order, and again after a crash or a retryable error: it must
    /// bear being repeated. [`Context::id`] is the same each time and serves as an idempotency key.
    ///
    /// The order's lease is renewed while this waits for something. Work that computes for long
    /// must let others have a turn now and then, by [`Context::pause`].
    ///
    /// # Errors
    /// [`WorkError`] says whether another attempt is made.
    fn run(
        &self,
        sent: &Sent<Self::Input>,
        context: &Context,
    ) -> impl Future<Output = Result<Self::Output, WorkError>>;
}
