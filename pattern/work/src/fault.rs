//! What is wrong with an order.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with an order, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A JSON Pointer (RFC 6901) to the faulty value, or to where a missing one belongs.
    pub pointer: String,
    /// What was expected there and what was found.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.pointer, self.detail)
    }
}

/// All that is wrong with an order, as it is found.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes that what stands at `pointer` (RFC 6901) is not what it must be, as `detail` says.
    pub fn push(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault {
            pointer: pointer.into(),
            detail: detail.into(),
        });
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found, in the order in which it was.
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}
