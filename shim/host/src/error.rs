//! What can go wrong with a component: [`LinkError`] before it runs, [`Error`] when it is called.

use crate::component::Source;
use std::sync::Arc;

/// Why a component did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Its instance trapped, perhaps on behalf of another request; the text is Wasmtime's.
    #[error("the guest trapped: {0}")]
    Trapped(Arc<str>),
    /// It took too long.
    #[error("the guest did not answer in time")]
    TimedOut,
    /// No instance could be made now.
    #[error("no instance could be made: {0}")]
    Exhausted(Arc<str>),
    /// It answered with an error code of `wasi:http` instead of a response.
    #[error("the guest answered with an error: {0}")]
    Refused(Arc<str>),
}

/// Why components cannot run: one sentence that ends with the fix.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no engine.
    #[error("cannot set up Wasmtime: {0:#}; report it as a bug")]
    Engine(wasmtime::Error),
    /// A file holds something that is no component.
    #[error("component `{id}` at {place} cannot be compiled: {error:#}; run `cargo xtask build`")]
    NotCompiled {
        /// The component.
        id: String,
        /// Where it is.
        place: Source,
        /// Wasmtime's words, which are part of the sentence.
        error: wasmtime::Error,
    },
    /// What was compiled ahead of time is for something else.
    #[error(
        "component `{id}` {place} does not fit this version of it or this processor: {error:#}; make the executable anew with `cargo xtask dist`"
    )]
    NotFit {
        /// The component.
        id: String,
        /// Where it is.
        place: Source,
        /// Wasmtime's words, which are part of the sentence.
        error: wasmtime::Error,
    },
    /// It imports what nothing here offers.
    #[error(
        "component `{id}` at {place} imports what this host does not offer: {error:#}; build it without, or run the app with Spin"
    )]
    Import {
        /// The component.
        id: String,
        /// Where it is.
        place: Source,
        /// Wasmtime's words, which are part of the sentence.
        error: wasmtime::Error,
    },
    /// It exports no handler of requests.
    #[error(
        "component `{id}` at {place} does not serve HTTP: it exports neither `wasi:http/handler@0.3` nor `wasi:http/incoming-handler@0.2`; build it with spin-sdk for wasm32-wasip2"
    )]
    Export {
        /// The component.
        id: String,
        /// Where it is.
        place: Source,
    },
}
