//! What the host makes of its configuration: what it runs, and what it refuses to.
//!
//! Goal: every fault is found before anything is served, all of them at once, each in a sentence
//! that says the fix. Method: real files in a directory of their own; the library where the
//! outcome is a value, the executable where it is an exit code. What a running host answers is
//! tested in the workspace's `tests/`, with real components.
//!
//! - `app`: manifests, variables, stores and runtime configs that fit together
//! - `faults`: those that do not
//! - `refusals`: the executable, from the outside

mod app;
mod faults;
mod fixture;
mod refusals;
