//! The proof that nothing accepted is lost and that one outcome is recorded.
//!
//! Goal: the protocol keeps its promises on every store that it may meet, whatever is dropped,
//! repeated, delayed or misreported, wherever a process dies or stands still for longer than anybody
//! waits, and whatever its clock says. Method: the production functions run over a store that fails
//! as it is told ([`support::faulty`]) and looks at every write that lands ([`support::audited`]), with
//! tasks that interleave as a seed says; a model checker goes through every interleaving of a small
//! world; and protocols with one thought left out ([`mutants`]) show that what is promised is
//! seen to be broken. Nothing here sleeps or reads a clock. `ORDERS_PROVE=long` makes it twenty times
//! as thorough.

mod support;

// One order, and those who race for it, under every condition.
mod cancel;
mod claim;
mod contest;
mod hold;
mod idempotency;

// What sweeps find, and what is removed.
mod retention;
mod sweep;

// Where processes die, and everything at once.
mod crash;
mod soak;

// Every interleaving of a small world.
mod model;

// The transition function, and the JSON of orders and records.
mod diagram;
mod history;
mod order;
mod record;

// What all of this stands on, and what it sees.
mod harness;
mod mutants;
