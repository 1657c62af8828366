//! One key, and everything against it: creators that race, stand still between any two operations, die
//! and fail, on every store with every fault, with clocks that are wrong, among sweeps, processors and
//! removals that do so too.
//!
//! The audit holds it to this: nobody is told of an order, and nobody works on one, while the key stands for
//! another; and an order that somebody was told of is there until its retention has ended. What nobody
//! is held to: a submission, or a removal, that stands still for longer than orders are kept.

use std::cell::Cell;

use protocol::{OrderId, SweepTurn};

use crate::support::conditions::{Conditions, under};
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{
    End, Work, expire, expire_until_done, process, recover, submit_once,
    submit_once_until_accepted, sweep,
};
use crate::support::sample::{BODY, EXPIRY, KEPT_MS, LEASE_MS, SWEEPS, idempotency};
use crate::support::world::World;

const CREATORS: usize = 8;
/// How long the trouble lasts, in milliseconds.
const TROUBLE_MS: u64 = 60_000;
/// The longest that anybody stands still, in milliseconds: longer than a dispatch or an earlier creator is
/// waited for, and than a lease lasts.
const PAUSE_MS_MAX: u64 = LEASE_MS + 5_000;

#[test]
fn whatever_its_creators_do_a_key_stands_for_one_order_that_ends() {
    let runs = Cell::new(0_u64);
    let died = Cell::new(0_u64);
    under(&Conditions::harsh(), 12, |world| {
        world.store.pause_at_most(PAUSE_MS_MAX);
        died.update(|died| died + contest(world));
        runs.update(|runs| runs + 1);
        let id = settle_down(world);
        let left = world.orders();
        assert!(left.iter().eq([&id]), "besides `{id}` there are {left:?}");
        forget(world);
    });
    println!("{} contests, {} creators died", runs.get(), died.get());
}

/// Everything at once; says how many creators died.
fn contest(world: &World) -> u64 {
    let creators: Vec<_> = (0..CREATORS)
        .map(|_| {
            let process = world.process();
            world.spawn(create(process))
        })
        .collect();
    for _ in 0..2 {
        world.spawn(replica(world.process()));
    }
    world.run();
    creators
        .into_iter()
        .map(|died| u64::from(died.take()))
        .sum()
}

/// Submits once or again and again, and may die.
async fn create(world: World) -> bool {
    let key = idempotency(BODY);
    world.clock.sleep(world.random.below(TROUBLE_MS / 4)).await;
    for _ in 0..3 {
        let mut line = world.connect();
        if world.random.chance(30) {
            line = line.dying_at(Death {
                operation: world.random.index(16),
                applied: world.random.chance(50),
            });
        }
        let task = world.clone();
        let lifetime = line.life();
        // Who is told is told by the audit, which knows it then.
        let submitted = mortal(lifetime, async move {
            submit_once(&task, &line, BODY, key).await
        });
        if submitted.await.is_none() {
            return true;
        }
        world.clock.sleep(world.random.below(TROUBLE_MS / 4)).await;
    }
    false
}

/// Sweeps, works on what is due, and removes.
async fn replica(world: World) {
    let until = world.clock.now().plus_ms(TROUBLE_MS);
    while world.clock.now() < until {
        world
            .clock
            .sleep(world.random.below(SWEEPS.interval_ms / 2))
            .await;
        if let Ok(SweepTurn::Taken(swept)) = sweep(&world, &world.connect()).await {
            for id in swept.due {
                let worker = world.process();
                let work = Work {
                    ms: world.random.below(2 * LEASE_MS),
                    end: End::Completed,
                };
                world.spawn(async move {
                    process(&worker, &worker.connect(), id, work).await;
                });
            }
        }
        let _again_later = expire(&world, &world.connect()).await;
    }
}

/// When nothing goes wrong any more, the key stands for one order, which ends.
fn settle_down(world: &World) -> OrderId {
    world.store.calm();
    let key = idempotency(BODY);
    let id = world.complete(submit_once_until_accepted(world.clone(), key));
    world.complete(recover(world.clone()));
    let same = world.complete(submit_once_until_accepted(world.clone(), key));
    assert_eq!(same, id);
    id
}

/// When its retention has ended, nothing is left of it, nor of its key.
fn forget(world: &World) {
    world.pass_ms(KEPT_MS + 90_000 + EXPIRY.interval_ms);
    let mut expired = Vec::new();
    for _ in 0..3 {
        expired.push(world.complete(expire_until_done(world.clone())));
    }
    assert!(world.orders().is_empty(), "{expired:?}");
    assert_eq!(world.bids(), []);
}
