//! One order for one idempotency key, model-checked: every interleaving of the production functions
//! themselves, [`submit_once`](protocol::submit_once),
//! [`claim`](protocol::claim) and [`expire`](protocol::expire), stopped before each operation of the store.
//!
//! Goal: of all who submit with one key at once none is told of another order than the others, and an
//! order that somebody was told of is there, and can be worked on. Method: the world is a store, clients
//! who submit with the same key, processors to which a candidate was dispatched, and an expirer that
//! removes an order which the key stood for long ago. Any of them may stand still at any point, for ever
//! too, which is all that a death is to the others. The store is exact; or overwrites when it creates; or
//! tells two who add to a number the same. It may apply a swap long after it was reported failed.
//!
//! An operation that fails is not modelled apart: who is told so either asks again or gives up, as if it
//! had stood still, before the operation or behind it.

use std::time::Instant;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use super::race::Quirk::{self, HidesNumbers, OverwritesWhenItCreates, RepeatsNumbers, SwapsLate};
use super::race::Role::{Claims, Expires, ForgetsBlindly, Submits, SubmitsByPointer};
use super::race::{KEPT, Race, TOLD};
use crate::support::conditions::thoroughness;

/// Goes through every interleaving, and says whether each of the promises is kept.
fn explore(race: Race, promises: &[&'static str]) {
    let name = format!("{:?}, {:?}", race.roles, race.quirks);
    let began = Instant::now();
    // Depth first, so that of the states that are still to be left few are kept.
    let checker = race.checker().threads(2).spawn_dfs().join();
    println!(
        "{name}: {} states, {} of them distinct, {} steps deep, {:?}",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed(),
    );
    for promise in promises {
        checker.assert_no_discovery(promise);
    }
    checker.assert_any_discovery("somebody is told");
}

/// The checker must find that a promise is broken.
fn assert_caught(name: &str, race: Race) {
    let checker = race
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let caught = [TOLD, KEPT].map(|promise| Some((promise, checker.discovery(promise)?)));
    let (promise, path) = caught.into_iter().flatten().next().expect(name);
    println!("{name} breaks `{promise}`: {:?}", path.into_actions());
}

#[test]
fn who_submits_with_one_key_is_told_of_one_order() {
    let quirks: [&[Quirk]; 3] = [&[], &[OverwritesWhenItCreates], &[RepeatsNumbers]];
    for quirks in quirks {
        explore(Race::new(&[Submits(1), Submits(2)], quirks), &[TOLD, KEPT]);
        if thoroughness() > 1 {
            let roles = [Submits(1), Submits(2), Claims(1)];
            explore(Race::new(&roles, quirks), &[TOLD, KEPT]);
            // A third goes on with a bid of the others; a bid of each is more states than can be walked.
            let roles = [Submits(1), Submits(2), Submits(3)];
            explore(Race::new(&roles, quirks).of_bids(2), &[TOLD, KEPT]);
        }
    }
    explore(Race::new(&[Submits(1), Claims(1)], &[]), &[TOLD, KEPT]);
    if thoroughness() > 1 {
        let roles = [Submits(1), Submits(2)];
        explore(Race::new(&roles, &[SwapsLate]), &[TOLD, KEPT]);
    }
}

#[test]
fn an_order_that_somebody_was_told_of_outlasts_that_its_key_is_forgotten() {
    let roles = [Expires, Submits(1)];
    explore(Race::after_another(&roles, &[]), &[TOLD, KEPT]);
    // Who submits while the key is forgotten may be told of two orders, and loses none.
    let roles = [Expires, Submits(1), Submits(2)];
    explore(Race::after_another(&roles, &[]), &[KEPT]);
}

#[test]
fn relying_upon_a_swap_that_creates_is_caught() {
    let roles = [SubmitsByPointer(1), SubmitsByPointer(2)];
    let race = Race::new(&roles, &[OverwritesWhenItCreates]);
    assert_caught("a pointer and no bids", race);
}

#[test]
fn not_looking_for_later_bids_is_caught() {
    let race = Race::new(&[Submits(1), Submits(2)], &[HidesNumbers]);
    assert_caught("a look at earlier bids alone", race);
}

#[test]
fn a_store_with_both_quirks_is_caught() {
    let race = Race::new(
        &[Submits(1), Submits(2)],
        &[OverwritesWhenItCreates, RepeatsNumbers],
    );
    assert_caught("a store that overwrites and repeats numbers", race);
}

#[test]
fn forgetting_a_key_under_those_who_submit_is_caught() {
    let race = Race::after_another(&[ForgetsBlindly, Submits(1), Submits(2)], &[]);
    assert_caught("forgetting blindly", race);
}
