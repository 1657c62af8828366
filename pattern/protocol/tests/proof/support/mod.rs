//! What the tests of the protocol stand on: stores that fail, a clock that does not tick by
//! itself, and a scheduler that interleaves tasks as a seed says.
//!
//! Everything is deterministic: a failure names its conditions and its seed, and comes back
//! with them.

pub mod audited;
pub mod conditions;
pub mod fault;
pub mod faulty;
pub mod mortal;
pub mod random;
pub mod roles;
pub mod sample;
pub mod scheduler;
pub mod world;
