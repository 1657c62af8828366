//! HTTP towards clients: connections, their limits, and which component answers what.

mod body;
mod listen;
mod problem;
pub(crate) mod routes;
mod service;
mod waiters;

pub(crate) use listen::{Listener, serve};
pub(crate) use service::Server;
