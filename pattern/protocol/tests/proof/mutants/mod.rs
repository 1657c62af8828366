//! Mutants: what the protocol would be with one thought left out, each caught by a test that the
//! protocol itself passes. So each of those tests is known to see what it is there to see.

mod acceptance;
mod attempts;
mod bounds;
mod cost;
mod keys;
mod notifications;
mod retention;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A protocol with a fault, what it gets wrong, and the test that sees it.
struct Mutant {
    name: &'static str,
    breaks: &'static str,
    test: fn(),
}

/// Every mutant.
const MUTANTS: &[&[Mutant]] = &[
    acceptance::MUTANTS,
    retention::MUTANTS,
    keys::MUTANTS,
    attempts::MUTANTS,
    bounds::MUTANTS,
    notifications::MUTANTS,
    cost::MUTANTS,
];

#[test]
fn every_mutant_is_caught() {
    for mutant in MUTANTS.iter().copied().flatten() {
        let Mutant { name, breaks, test } = mutant;
        let caught = catch_unwind(AssertUnwindSafe(test)).is_err();
        assert!(caught, "nothing sees the mutant: {name}");
        println!("caught: {name} (breaks: {breaks})");
    }
}
