//! HTTP towards clients: connections, their limits, and which component answers what.

mod body;
mod cors;
mod forwarded;
mod gathered;
mod health;
mod held;
mod listen;
mod peer;
mod prefer;
mod problem;
mod service;
mod shares;
mod target;
mod until;
mod waiters;
mod wire;

pub(crate) use listen::{Listener, serve};
pub(crate) use service::Server;
