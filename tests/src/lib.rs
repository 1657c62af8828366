//! The harness of the black-box tests: a real host as a child process, spoken to over HTTP.
//!
//! Which host is a parameter, the variable `ORDERS_HOST`: `shim` (default) or `spin`; so is the
//! WASI of the components that it serves, `ORDERS_WASI`: `0.3` (default) or `0.2`. A [`Setup`] says how one is started, a [`Host`] is one that runs. Nothing here depends on
//! the code of the application: the tests know its contract, its `spin.toml` and its files.
//!
//! Everything here panics if what it asserts is not so, or when the test's deadline has passed:
//! that is how a test fails.

#![expect(
    clippy::missing_panics_doc,
    reason = "said once, above, for the whole harness"
)]

mod azure;
mod client;
mod context;
mod contract;
mod host;
mod http;
mod kind;
mod output;
mod problem;
mod processor;
mod raw;
mod report;
mod repository;
mod response;
mod sample;
mod setup;
mod store;
mod stored;
mod trial;
mod walkthrough;
mod wasi;
mod worker;

pub use azure::{FakeAzure, Start};
pub use client::{Journey, journey, poll_to_the_end, retry_after_seconds};
pub use context::{is_long, pause, together, until, within};
pub use contract::{Contract, Promise};
pub use host::Host;
pub use http::Request;
pub use kind::HostKind;
pub use output::Output;
pub use problem::{assert_problem, problem_pages};
pub use processor::FaultyProcessor;
pub use raw::RawConnection;
pub use redis_server::{Proxy, RedisServer};
pub use report::{Recovery, Row};
pub use repository::{path as repository_path, read as read_repository_file};
pub use response::Response;
pub use sample::{UNKNOWN_ID, order, order_of_bytes, order_that, order_with, uuid_in};
pub use setup::{Refusal, Setup};
pub use store::{
    break_store, damage_records, lock_store, lock_store_for_writing, order_keys, store_file,
};
pub use stored::{Kept, StoredRecord};
pub use trial::{Test, run};
pub use walkthrough::{Exchange, Walkthrough, program, run_program};
pub use wasi::Wasi;
pub use worker::{WorkerCall, WorkerServer};
