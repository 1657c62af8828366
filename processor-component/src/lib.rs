//! The processor: claim an order, run the work, settle.
//!
//! Triggered by a private route, so that only this app's own components and its host
//! reach it. To make it do your work, replace `work.rs`; nothing else here needs to know.

mod route;

mod attempt;
mod dispatch;
mod lease;
mod sweep;

mod contract;
mod simulate;
mod work;
mod worker;

mod app;
mod problem;

guest::serve!(route::answer);
