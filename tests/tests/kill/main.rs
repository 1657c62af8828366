//! The proof by killing: the host is killed with SIGKILL and started again on the same state, or
//! stopped with SIGSTOP and told to go on when others have given it up.
//!
//! Goal: every order that was answered with `202` ends, with what was sent, once. Method: a real
//! host kills or stops itself at named points between two writes, or is killed or stopped at random
//! under load, while clients go on by the published algorithm; what it keeps is read from beside it,
//! so that recovery is seen without asking for it. Bounded here, `ORDERS_PROVE=long` makes it thorough.

mod finding;
mod ledger;
mod service;

// Death at a named point, which is certain.
mod attempt;
mod expiry;
mod submission;
mod sweep;

// Standing still at a named point.
mod pause;

// Death at any point, which is chance, and much of it.
mod load;
mod open_orders;
mod race;

// Replicas of which one is cut off, or stands still.
mod replicas;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::run(&[
        ("submission", submission::TESTS),
        ("attempt", attempt::TESTS),
        ("sweep", sweep::TESTS),
        ("expiry", expiry::TESTS),
        ("pause", pause::TESTS),
        ("race", race::TESTS),
        ("open_orders", open_orders::TESTS),
        ("load", load::TESTS),
        ("replicas", replicas::TESTS),
    ])
}
