//! The protocol, model-checked: every interleaving of a small world, by an explicit-state
//! checker, in which each step on a record calls the production [`protocol::apply`].
//!
//! Goal: what is promised of one order holds whatever happens, and however it falls together. Method: the
//! world is one order, a client who cancels it and one who reads it, some processors, sweeps, an
//! expirer, and a store with the two keys that the record is under before and after it is moved. Between
//! any two operations of the store anything may happen: another process goes on, one stands still, one
//! dies (and is replaced), the whole host is (in a new tenure), a dispatch comes when none is due or does
//! not come. A swap may be applied and reported failed, not be applied and reported done, or be
//! applied long after it was reported failed. Each process has a clock of its own: any may hold any
//! lease to have run out at any time. What a swap compares is modelled as a bit (has anybody
//! written since?) and what names a write as its author, which makes the space finite without a
//! bound on time or on retries.
//!
//! Liveness is checked as recovery: from *every* reachable state, also that after which all
//! processes die, a sweep and a processor that nothing disturbs end the order and move it. So whatever
//! happened before, an accepted order ends as soon as trouble stops for one attempt; no
//! assumption about fairness is needed beyond that sweeps are made and leases run out.
//!
//! That the checks see something is checked too: each of some ways to break the protocol must be caught.
//! How one order is found for an idempotency key is explored by itself, in `key`.

mod action;
mod core;
mod key;
mod known;
mod process;
mod promises;
mod protocol;
mod race;
mod replay;
mod world;

use std::time::Instant;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::support::conditions::thoroughness;
use protocol::{Feature, Protocol};

/// Protocols with one thing left out, each of which the checker must catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Whoever settles is taken for the holder.
    SettlesWithoutFence,
    /// The record is set and not swapped.
    WritesBlindly,
    /// What the store says of a swap is believed, and nothing is read back.
    BelievesTheStore,
    /// A cancellation does not know itself again when a late outcome was noted over it.
    CancelForgetsItself,
    /// Open orders are found by markers beside their records, which are written first, and swept away
    /// if there is no record after a time that the submission outlasts.
    KeepsMarkersApart,
    /// An ended record is removed from the open ones before it is among the ended.
    MovesByDeletingFirst,
    /// It is looked once among the ended and then once among the open.
    LooksAmongTheEndedFirst,
    /// Records of orders that are open are removed by age too.
    RetentionTouchesOpenOrders,
    /// Records are kept for some time after they were submitted, and not after they ended.
    RetentionCountsFromSubmission,
    /// A claim looks at the lease alone.
    IgnoresTenure,
    /// A lost attempt is held to have been alone.
    LossInCompanyFails,
}

#[test]
fn the_protocol_keeps_its_promises_in_every_interleaving() {
    use Feature::{Company, ExactSwaps, LateSwaps, Moves, Restarts};
    let mut worlds = vec![
        Protocol::sound(2, 2, &[Company]),
        Protocol::sound(2, 1, &[LateSwaps, Restarts]),
        Protocol::sound(2, 1, &[Moves]),
        Protocol::sound(2, 1, &[ExactSwaps, LateSwaps]),
    ];
    if thoroughness() > 1 {
        worlds.push(Protocol::sound(2, 2, &[Restarts, Company]));
        worlds.push(Protocol::sound(2, 2, &[LateSwaps]));
        worlds.push(Protocol::sound(2, 1, &[LateSwaps, Moves]));
        worlds.push(Protocol::sound(1, 2, Feature::ALL));
        worlds.push(Protocol::sound(2, 2, &[ExactSwaps, Company]));
        worlds.push(Protocol::sound(
            1,
            2,
            &[ExactSwaps, LateSwaps, Moves, Restarts],
        ));
    }
    for world in worlds {
        let (processors, attempts_max) = (world.processors, world.attempts_max);
        let features = world.features;
        let began = Instant::now();
        let checker = world.checker().threads(2).spawn_bfs().join();
        println!(
            "{processors} processors, {attempts_max} attempts, {features:?}: {} states, {} of them distinct, {} steps deep, {:?}",
            checker.state_count(),
            checker.unique_state_count(),
            checker.max_depth(),
            began.elapsed(),
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
    assert_caught(Broken::SettlesWithoutFence, &[promises::STALE]);
}

#[test]
fn writing_without_comparing_is_caught() {
    assert_caught(
        Broken::WritesBlindly,
        &[promises::STALE, promises::ONCE, promises::CANCELLED],
    );
}

#[test]
fn believing_what_the_store_says_of_a_swap_is_caught() {
    assert_caught(Broken::BelievesTheStore, &[promises::ENDS, promises::TOLD]);
}

#[test]
fn a_cancellation_that_does_not_know_itself_again_is_caught() {
    assert_caught(Broken::CancelForgetsItself, &[promises::TOLD]);
}

#[test]
fn a_marker_that_is_swept_away_under_a_submission_that_stands_still_is_caught() {
    assert_caught(Broken::KeepsMarkersApart, &[promises::ENDS]);
}

#[test]
fn deleting_before_setting_in_a_move_is_caught() {
    assert_caught(
        Broken::MovesByDeletingFirst,
        &[promises::FOUND, promises::ENDS],
    );
}

#[test]
fn looking_once_and_among_the_ended_first_is_caught() {
    assert_caught(Broken::LooksAmongTheEndedFirst, &[promises::FOUND]);
}

#[test]
fn removing_open_orders_by_age_is_caught() {
    assert_caught(
        Broken::RetentionTouchesOpenOrders,
        &[promises::FOUND, promises::ENDS],
    );
}

#[test]
fn counting_retention_from_the_submission_is_caught() {
    assert_caught(
        Broken::RetentionCountsFromSubmission,
        &[promises::FOUND, promises::ENDS],
    );
}

#[test]
fn leaving_the_claims_of_a_host_that_ended_to_their_leases_is_caught() {
    assert_caught(Broken::IgnoresTenure, &[promises::ENDS]);
}

#[test]
fn failing_an_order_for_a_loss_in_company_is_caught() {
    assert_caught(Broken::LossInCompanyFails, &[promises::COMPANY]);
}
