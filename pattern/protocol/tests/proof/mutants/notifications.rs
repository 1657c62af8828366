//! Notifications: whoever is to be told of an order's end is told of it, as it is recorded, and before
//! anybody takes it for told.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use protocol::{AttemptEnd, Claimant, DeliveryEnd, Event, Key, OrderId, Record, apply};

use super::Mutant;
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{
    End, SHORT_WORK, deliver, end, hold, process, settle, submit, sweep_until_done, tell,
};
use crate::support::sample::DELIVERY_LEASE_MS;
use crate::support::world::{Line, World};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an order is moved as soon as it has ended",
        breaks: "an order stays where sweeps look until its end is told",
        test: || every_end_is_told(moves_first, all),
    },
    Mutant {
        name: "the end is told before it is settled",
        breaks: "nobody is told of an end that is not recorded",
        test: || every_end_is_told(tells_first, all),
    },
    Mutant {
        name: "an end counts as told before it is delivered",
        breaks: "an end is told at least once, whoever dies",
        test: || every_end_is_told(marks_first, all),
    },
    Mutant {
        name: "a sweep dispatches open orders alone",
        breaks: "what a crash left untold is told",
        test: || every_end_is_told(settles_and_tells, open_ones),
    },
];

/// How a processor ends its attempt and tells of it.
type Finish = fn(World, Line, OrderId, Claimant) -> LocalBoxFuture<'static, ()>;

/// Which of the orders that a sweep finds due are dispatched.
type Dispatched = fn(&World, OrderId) -> bool;

/// Whoever finishes dies at each operation in turn; what sweeps dispatch then tells of the end.
fn every_end_is_told(finish: Finish, dispatched: Dispatched) {
    const OPERATIONS_MAX: usize = 60;
    const SWEEPS_MAX: usize = 40;
    for operation in 0..OPERATIONS_MAX {
        let mut died = false;
        for applied in [false, true] {
            let world = World::calm().telling(100);
            let task = world.clone();
            let (id, claimant) = world.complete(async move {
                let id = submit(task.clone()).await;
                (id, hold(&task, id).await.expect("a pending order"))
            });
            let line = world.connect().dying_at(Death { operation, applied });
            let mortal = mortal(line.life(), finish(world.clone(), line, id, claimant));
            died |= world.complete(mortal).is_none();
            for _ in 0..SWEEPS_MAX {
                let due = world.complete(sweep_until_done(world.clone())).due;
                for id in due.into_iter().filter(|id| dispatched(&world, *id)) {
                    let task = world.clone();
                    world.complete(
                        async move { process(&task, &task.connect(), id, SHORT_WORK).await },
                    );
                }
            }
            assert!(world.store.inner().heard(id) > 0, "nobody heard");
            assert_eq!(world.open(), []);
            assert!(world.has(Key::Ended(id)), "it is moved in the end");
        }
        if !died {
            return;
        }
    }
    panic!("more than {OPERATIONS_MAX} operations");
}

fn all(_: &World, _: OrderId) -> bool {
    true
}

fn open_ones(world: &World, id: OrderId) -> bool {
    !world.status(id).is_terminal()
}

fn settles_and_tells(
    world: World,
    line: Line,
    id: OrderId,
    claimant: Claimant,
) -> LocalBoxFuture<'static, ()> {
    async move {
        let settled = settle(&world, &line, id, claimant, ends(claimant)).await;
        settled.expect("it is held");
        tell(&world, &line, id).await;
    }
    .boxed_local()
}

fn moves_first(
    world: World,
    line: Line,
    id: OrderId,
    claimant: Claimant,
) -> LocalBoxFuture<'static, ()> {
    async move {
        let settled = settle(&world, &line, id, claimant, ends(claimant)).await;
        let moved = protocol::move_ended(&line, &settled.expect("it is held")).await;
        moved.expect("calm");
        tell(&world, &line, id).await;
    }
    .boxed_local()
}

fn tells_first(
    world: World,
    line: Line,
    id: OrderId,
    claimant: Claimant,
) -> LocalBoxFuture<'static, ()> {
    async move {
        let held = protocol::find(&line, id).await.expect("calm");
        deliver(&world, &settled(&held.expect("it is there"), claimant)).await;
        let settled = settle(&world, &line, id, claimant, ends(claimant)).await;
        settled.expect("it is held");
    }
    .boxed_local()
}

/// The record as it will be.
fn settled(held: &Record, claimant: Claimant) -> Record {
    let event = Event::Ended {
        token: claimant.token,
        end: ends(claimant),
    };
    apply(held, &event, held.updated_at).expect("it is held")
}

fn marks_first(
    world: World,
    line: Line,
    id: OrderId,
    claimant: Claimant,
) -> LocalBoxFuture<'static, ()> {
    async move {
        let settled = settle(&world, &line, id, claimant, ends(claimant)).await;
        let record = settled.expect("it is held");
        let (delivery, write, now) = (world.token(), world.token(), world.now());
        protocol::begin_delivery(&line, id, delivery, DELIVERY_LEASE_MS, write, now)
            .await
            .expect("it is due");
        let end = DeliveryEnd::Delivered { status: 204 };
        protocol::end_delivery(&line, id, delivery, end, world.token(), world.now())
            .await
            .expect("it is under way");
        deliver(&world, &record).await;
    }
    .boxed_local()
}

fn ends(claimant: Claimant) -> AttemptEnd {
    end(claimant, End::Completed)
}

#[test]
fn whoever_dies_every_end_is_told_at_least_once_and_as_it_is_recorded() {
    every_end_is_told(settles_and_tells, all);
}

#[test]
fn a_delivery_that_was_lost_has_no_end_and_another_may_be_begun() {
    let world = World::calm().telling(100);
    let task = world.clone();
    world.complete(async move {
        let world = task;
        let line = world.connect();
        let id = submit(world.clone()).await;
        let claimant = hold(&world, id).await.expect("a pending order");
        let begin = async |delivery| {
            let (write, now) = (world.token(), world.now());
            protocol::begin_delivery(&line, id, delivery, DELIVERY_LEASE_MS, write, now).await
        };
        let ended = async |delivery| {
            let end = DeliveryEnd::Delivered { status: 204 };
            protocol::end_delivery(&line, id, delivery, end, world.token(), world.now()).await
        };
        let [early, first, second, third] = [(); 4].map(|()| world.token());
        assert!(begin(early).await.is_err(), "it has not ended");
        let settled = settle(&world, &line, id, claimant, ends(claimant)).await;
        settled.expect("it is held");
        assert!(begin(first).await.is_ok_and(|record| record.is_some()));
        assert!(begin(second).await.is_err(), "one is under way");
        world.clock.sleep(DELIVERY_LEASE_MS).await;
        let record = begin(second).await.expect("the first was lost");
        world.store.inner().hear(&record.expect("it is to be told"));
        assert!(ended(first).await.is_err(), "it was lost");
        assert!(!world.has(Key::Ended(id)));
        let record = ended(second).await.expect("it is under way");
        assert!(record.is_over() && world.has(Key::Ended(id)));
        assert!(begin(third).await.is_err(), "it is told");
    });
}
