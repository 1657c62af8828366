//! The protocol, model-checked: every interleaving of a small world, by an explicit-state
//! checker, in which each step calls the production [`orders::apply`].
//!
//! The world: one order, a client who submits it and one who cancels it, some processors, a
//! sweeper, and a store. Between any two operations of the store anything may happen: another
//! process goes on, one dies (and is replaced), a lease runs out while its owner lives, a
//! dispatch comes when none is due or does not come. A swap may be applied and reported
//! failed, not be applied and reported done, or be applied long after it was reported failed.
//! What a swap compares is modelled as a bit (has anybody written since?) and what names a
//! write as its author, which makes the space finite without a bound on time or on retries.
//!
//! Liveness is checked as recovery: from *every* reachable state, also that after which all
//! processes die, a sweep and a processor that nothing disturbs end the order. So whatever
//! happened before, an accepted order ends as soon as trouble stops for one attempt; no
//! assumption about fairness is needed beyond that sweeps are made and leases run out.

mod action;
mod core;
mod process;
mod promises;
mod protocol;
mod world;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::support::conditions::thoroughness;
use protocol::Protocol;

/// Protocols with one thing left out, each of which the checker must catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Whoever settles is taken for the holder.
    SettleWithoutFence,
    /// A claim takes any order that is being processed for abandoned.
    ClaimIgnoresLease,
    /// The record is set and not swapped.
    WritesBlindly,
    /// What the store says of a swap is believed, and nothing is read back.
    BelievesTheStore,
    /// The marker is removed before the outcome is recorded.
    ClosesBeforeSettling,
    /// The sweep removes a marker without a record at once.
    SweepsWithoutGrace,
    /// A cancellation does not know itself again when a late outcome was noted over it.
    CancelForgetsItself,
}

#[test]
fn the_protocol_keeps_its_promises_in_every_interleaving() {
    let mut worlds = vec![Protocol::sound(2, 2)];
    if thoroughness() > 1 {
        worlds.push(Protocol::sound(2, 3));
        worlds.push(Protocol::sound(3, 2));
    }
    for world in worlds {
        let (processors, attempts_max) = (world.processors, world.attempts_max);
        let checker = world.checker().threads(2).spawn_bfs().join();
        println!(
            "{processors} processors, {attempts_max} attempts: {} states, {} of them distinct, {} steps deep",
            checker.state_count(),
            checker.unique_state_count(),
            checker.max_depth(),
        );
        checker.assert_properties();
    }
}

/// The checker must find that `broken` breaks one of the promises.
fn assert_caught(broken: Broken, promises: &[&'static str]) {
    let checker = Protocol::broken(broken)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let caught = promises
        .iter()
        .find_map(|name| Some((name, checker.discovery(name)?)));
    let Some((promise, path)) = caught else {
        panic!(
            "{broken:?} was not caught in {} states",
            checker.unique_state_count()
        )
    };
    let actions = path.into_actions();
    println!(
        "{broken:?} breaks `{promise}` in {} steps: {actions:?}",
        actions.len()
    );
}

#[test]
fn settling_without_the_fence_is_caught() {
    assert_caught(Broken::SettleWithoutFence, &[promises::STALE]);
}

#[test]
fn claiming_without_a_look_at_the_lease_is_caught() {
    assert_caught(Broken::ClaimIgnoresLease, &[promises::STOLEN]);
}

#[test]
fn writing_without_comparing_is_caught() {
    assert_caught(
        Broken::WritesBlindly,
        &[
            promises::STALE,
            promises::STOLEN,
            promises::ONCE,
            promises::CANCELLED,
        ],
    );
}

#[test]
fn believing_what_the_store_says_of_a_swap_is_caught() {
    assert_caught(Broken::BelievesTheStore, &[promises::ENDS, promises::TOLD]);
}

#[test]
fn removing_the_marker_before_the_outcome_is_recorded_is_caught() {
    assert_caught(Broken::ClosesBeforeSettling, &[promises::ENDS]);
}

#[test]
fn sweeping_a_marker_whose_record_is_on_its_way_is_caught() {
    assert_caught(Broken::SweepsWithoutGrace, &[promises::ENDS]);
}

#[test]
fn a_cancellation_that_does_not_know_itself_again_is_caught() {
    assert_caught(Broken::CancelForgetsItself, &[promises::TOLD]);
}
