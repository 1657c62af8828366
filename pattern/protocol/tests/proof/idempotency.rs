//! Idempotency keys: one order for one key, however many race, and wherever one dies.

use std::collections::BTreeSet;

use protocol::{Idempotency, Key, OrderId, Store as _, SubmitError, TAKEOVER_MS};

use crate::support::conditions::{Conditions, under, under_all_conditions};
use crate::support::fault::Fault;
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{
    SHORT_WORK, process, recover, submit_once, submit_once_until_accepted,
};
use crate::support::sample::{BODY, OTHER_BODY, idempotency};
use crate::support::world::World;

const CLIENTS: usize = 64;
/// So many where every death is tried: each bid of a race looks at all before it.
const FEW_CLIENTS: usize = 12;

/// Lets all clients race, and checks that all are told the same order, which is there and open.
fn race(world: &World, key: Idempotency, clients: usize) -> OrderId {
    let told: Vec<_> = (0..clients)
        .map(|_| world.spawn(submit_once_until_accepted(world.clone(), key)))
        .collect();
    world.run();
    let told: BTreeSet<_> = told.into_iter().map(|id| id.take()).collect();
    assert_eq!(told.len(), 1, "different clients are told different orders");
    // OK because there is exactly one.
    let id = *told.first().expect("one order");
    assert!(world.has(Key::Open(id)), "it is open to processors");
    assert_eq!(world.record(id).idempotency, Some(key));
    id
}

#[test]
fn sixty_four_clients_that_race_one_key_get_one_order() {
    under_all_conditions(2, |world| {
        let id = race(world, idempotency(BODY), CLIENTS);
        assert_one_is_worked_on(world, id);
    });
}

#[test]
fn they_get_one_order_also_when_the_first_dies_at_any_of_its_operations() {
    under(&Conditions::single(), 1, |origin| {
        for operation in 0.. {
            let mut died = false;
            for (applied, ahead) in [(false, false), (false, true), (true, false), (true, true)] {
                let world = origin.again();
                died |= race_when_the_first_dies(&world, Death { operation, applied }, ahead);
            }
            if !died {
                // The bid of another, candidate, counter, bid, and so on; fewer if the store fails first.
                assert!(operation > 5 || origin.conditions.may_fail());
                break;
            }
        }
    });
}

/// Lets the first die, when the others race it already or `ahead` of them; whether it came to that.
fn race_when_the_first_dies(world: &World, death: Death, ahead: bool) -> bool {
    let key = idempotency(BODY);
    let line = world.connect().dying_at(death);
    let task = world.clone();
    let first = world.spawn(mortal(line.life(), async move {
        let submitted = submit_once(&task, &line, BODY, key).await;
        submitted.map(|record| record.id)
    }));
    if ahead {
        world.run();
    }
    let id = race(world, key, FEW_CLIENTS);
    assert_one_is_worked_on(world, id);
    let told = first.take();
    if let Some(Ok(told)) = told {
        assert_eq!(told, id, "the first is told another order than the others");
    }
    told.is_none()
}

#[test]
fn they_get_one_order_also_when_more_creators_died_than_are_waited_for() {
    under(&Conditions::quirks(), 5, |world| {
        let key = idempotency(BODY);
        let task = world.clone();
        world.complete(async move {
            for _ in 0..20 {
                let number = task.connect().increment(&Key::Bids(key.key), 1).await;
                number.expect("no fault strikes");
            }
        });
        let id = race(world, key, FEW_CLIENTS);
        assert_one_is_worked_on(world, id);
    });
}

#[test]
fn who_comes_again_is_accepted_at_once_though_the_order_of_who_died_is_just_taken_up() {
    let conditions = [None, Some(Fault::Delays)].map(|fault| Conditions {
        fault,
        ..Conditions::CALM
    });
    // As many operations as the submission of a new key has.
    for operation in 1..10 {
        for applied in [false, true] {
            under(&conditions, 30, |world| {
                take_up_while_another_comes(world, Death { operation, applied });
            });
        }
    }
}

/// Has a submission die, and then a processor come to its order when another submission of the same has
/// waited for it, or nearly.
fn take_up_while_another_comes(world: &World, death: Death) {
    let key = idempotency(BODY);
    let line = world.connect().dying_at(death);
    let task = world.clone();
    let died = mortal(line.life(), async move {
        submit_once(&task, &line, BODY, key).await.is_ok()
    });
    world.complete(died);
    let left = world.open();
    let task = world.clone();
    let again = world.spawn(async move {
        let submitted = submit_once(&task, &task.connect(), BODY, key).await;
        submitted.map(|record| record.id)
    });
    for id in left {
        let task = world.clone();
        let comes_in_ms = TAKEOVER_MS + 25 * world.random.below(20);
        world.spawn(async move {
            task.clock.sleep(comes_in_ms).await;
            process(&task, &task.connect(), id, SHORT_WORK).await;
        });
    }
    world.run();
    let told = again.take();
    let id = told.unwrap_or_else(|error| panic!("after {death:?}: {error}"));
    assert_one_is_worked_on(world, id);
}

/// However many records were written on the way, one is open and ends.
fn assert_one_is_worked_on(world: &World, id: OrderId) {
    world.complete(recover(world.clone()));
    let ended: Vec<_> = world
        .orders()
        .into_iter()
        .filter(|order| world.record(*order).attempt > 0 || world.status(*order).is_terminal())
        .collect();
    assert_eq!(ended, [id], "one order is worked on");
}

#[test]
fn a_key_that_comes_with_another_body_is_refused() {
    under_all_conditions(5, |world| {
        let first = idempotency(BODY);
        let id = world.complete(submit_once_until_accepted(world.clone(), first));
        let task = world.clone();
        let refused = world.complete(async move {
            let other = idempotency(OTHER_BODY);
            loop {
                let again = submit_once(&task, &task.connect(), OTHER_BODY, other).await;
                if !matches!(again, Err(SubmitError::Store(_))) {
                    return again;
                }
            }
        });
        assert!(matches!(refused, Err(SubmitError::KeyReused)));
        assert_eq!(world.record(id).order.as_json().as_bytes(), BODY);
    });
}

#[test]
fn of_two_bodies_that_race_one_key_one_is_accepted_and_the_other_refused() {
    under_all_conditions(20, |world| {
        let racers = [BODY, OTHER_BODY].map(|body| {
            let task = world.clone();
            let key = idempotency(body);
            world.spawn(async move {
                loop {
                    let line = task.connect();
                    match submit_once(&task, &line, body, key).await {
                        Err(SubmitError::Store(_)) => task.clock.sleep(500).await,
                        submitted => return submitted,
                    }
                }
            })
        });
        world.run();
        let told = racers.map(|racer| racer.take());
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1);
        let refused = |told: &&Result<_, _>| matches!(told, Err(SubmitError::KeyReused));
        assert_eq!(told.iter().filter(refused).count(), 1);
        if !world.conditions.may_fail() {
            assert_eq!(
                world.orders().len(),
                1,
                "nothing is left of what was refused"
            );
        }
    });
}

#[test]
fn the_same_key_of_another_owner_is_another_key() {
    let of = |owner| Idempotency::new(Some(owner), "a client's key", BODY);
    let world = World::calm();
    let ids = ["ada", "grace"]
        .map(|owner| world.complete(submit_once_until_accepted(world.clone(), of(owner))));
    assert_ne!(ids[0], ids[1]);
    assert_ne!(
        of("ab").key,
        Idempotency::new(Some("a"), "ba client's key", BODY).key
    );
}

#[test]
fn a_key_whose_order_has_ended_still_stands_for_it() {
    under_all_conditions(5, |world| {
        let key = idempotency(BODY);
        let id = world.complete(submit_once_until_accepted(world.clone(), key));
        world.complete(recover(world.clone()));
        let again = world.complete(submit_once_until_accepted(world.clone(), key));
        assert_eq!(again, id);
        assert!(world.status(id).is_terminal() && !world.open().contains(&id));
    });
}
