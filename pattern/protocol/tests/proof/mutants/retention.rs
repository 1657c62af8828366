//! What ended is removed when its time has come, by the true time; and with it its key, and nothing
//! that belongs to a newer order.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use protocol::{Digest, Key, OrderId, Record, Store as _, StoreError, SubmitError, Timestamp};

use super::Mutant;
use crate::support::fault::Fault;
use crate::support::roles::{
    self, cancel_until_told, recover, submit, submit_once, submit_once_until_accepted,
};
use crate::support::sample::{BODY, EXPIRY, KEPT_MS, OTHER_BODY, RETENTION_MS, idempotency};
use crate::support::world::{Line, World};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "retention counts from the submission",
        breaks: "an order is kept for its retention after it ended",
        test: || {
            an_order_is_kept_after_its_end(|world, line| {
                naive(world, line, |record, now| {
                    record.created_at.plus_ms(KEPT_MS) <= now
                })
            });
        },
    },
    Mutant {
        name: "clocks are taken to agree",
        breaks: "nothing is removed early where clocks differ",
        test: || {
            an_order_is_kept_after_its_end(|world, line| {
                naive(world, line, |record, now| {
                    record
                        .ended_at()
                        .is_some_and(|at| at.plus_ms(RETENTION_MS) <= now)
                })
            });
        },
    },
    Mutant {
        name: "a record is removed before its key",
        breaks: "a failed read or a crash while removing leaves nothing that stays",
        test: || a_failure_while_removing_leaves_nothing(record_first),
    },
    Mutant {
        name: "a key is forgotten whatever order it stands for by then",
        breaks: "a removal that stood still deletes no newer choice",
        test: || a_stalled_removal_deletes_no_newer_choice(blindly),
    },
    Mutant {
        name: "each turn looks at the oldest orders first, open or not",
        breaks: "old open orders do not starve retention",
        test: || old_open_orders_starve_nothing(among_all),
    },
];

type Expire = fn(World, Line) -> LocalBoxFuture<'static, Result<(), StoreError>>;

fn expire(world: World, line: Line) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    async move {
        let expired = roles::expire(&world, &line).await;
        expired.map(drop)
    }
    .boxed_local()
}

/// Removes the records of which `is_over` says so.
fn naive(
    world: World,
    line: Line,
    is_over: fn(&Record, Timestamp) -> bool,
) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    async move {
        for (id, record) in ended(&world, &line).await? {
            if is_over(&record, world.now()) {
                line.delete(&Key::Ended(id)).await?;
            }
        }
        Ok(())
    }
    .boxed_local()
}

fn record_first(world: World, line: Line) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    async move {
        for (id, record) in ended(&world, &line).await? {
            if is_old(&record, world.now()) {
                line.delete(&Key::Ended(id)).await?;
                if let Some(known) = record.idempotency {
                    forget_blindly(&line, known.key).await?;
                }
            }
        }
        Ok(())
    }
    .boxed_local()
}

fn blindly(world: World, line: Line) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    async move {
        for (id, record) in ended(&world, &line).await? {
            if is_old(&record, world.now()) {
                if let Some(known) = record.idempotency {
                    forget_blindly(&line, known.key).await?;
                }
                line.delete(&Key::Ended(id)).await?;
            }
        }
        Ok(())
    }
    .boxed_local()
}

fn among_all(world: World, line: Line) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    const LOOKED_AT_MAX: usize = 50;
    async move {
        for id in world.orders().into_iter().take(LOOKED_AT_MAX) {
            if let Ok(Some(record)) = protocol::find(&line, id).await
                && is_old(&record, world.now())
            {
                line.delete(&Key::Ended(id)).await?;
            }
        }
        Ok(())
    }
    .boxed_local()
}

async fn ended(world: &World, line: &Line) -> Result<Vec<(OrderId, Record)>, StoreError> {
    let mut ended = Vec::new();
    for id in world.orders() {
        if let Some(value) = line.get(&Key::Ended(id)).await? {
            ended.push((id, Record::from_json(&value).expect("a record")));
        }
    }
    Ok(ended)
}

fn is_old(record: &Record, now: Timestamp) -> bool {
    record
        .ended_at()
        .is_some_and(|at| at.plus_ms(KEPT_MS) <= now)
}

async fn forget_blindly(line: &Line, key: Digest) -> Result<(), StoreError> {
    let latest = line.increment(&Key::Bids(key), 0).await?;
    for number in 1..=latest {
        line.delete(&Key::Bid(key, number)).await?;
    }
    line.delete(&Key::Bids(key)).await
}

/// Asks for turns until `is_done`.
fn expire_until(world: &World, expire: Expire, is_done: impl Fn(&World) -> bool) {
    for _ in 0..200 {
        if is_done(world) {
            return;
        }
        let _asked_again = world.complete(expire(world.clone(), world.connect()));
        world.pass_ms(EXPIRY.interval_ms);
    }
    panic!("it is never done");
}

/// Whoever ended it by whichever clock, long after it was submitted: the audit compares by the true time.
fn an_order_is_kept_after_its_end(expire: Expire) {
    for (ender_off_ms, remover_off_ms) in [(0, 0), (-90_000, 90_000), (90_000, -90_000)] {
        let world = World::calm();
        let id = world.complete(submit(world.clone()));
        world.pass_ms(2 * KEPT_MS);
        let ender = world.with_clock_off(ender_off_ms);
        world.complete(async move { cancel_until_told(&ender, id).await.expect("it is open") });
        let remover = world.with_clock_off(remover_off_ms);
        expire_until(&remover, expire, |world| !world.has(Key::Ended(id)));
    }
}

#[test]
fn an_order_is_kept_for_its_retention_after_it_ended() {
    an_order_is_kept_after_its_end(expire);
}

/// An ended order with a key, old enough to be removed.
fn old_keyed_order() -> (World, OrderId) {
    let world = World::calm();
    let key = idempotency(BODY);
    let id = world.complete(submit_once_until_accepted(world.clone(), key));
    world.complete(recover(world.clone()));
    world.pass_ms(KEPT_MS + EXPIRY.interval_ms);
    (world, id)
}

/// At most so many operations has the removal of an order with its key, and the turn.
const OPERATIONS_MAX: usize = 40;

fn a_failure_while_removing_leaves_nothing(expire: Expire) {
    for operation in 0..OPERATIONS_MAX {
        let (world, id) = old_keyed_order();
        let line = world
            .connect()
            .struck_at(operation, Fault::FailsBeforeApplying);
        let _fails = world.complete(expire(world.clone(), line));
        for _ in 0..3 {
            world.pass_ms(EXPIRY.interval_ms);
            let again = world.complete(expire(world.clone(), world.connect()));
            again.expect("calm");
        }
        assert!(!world.has(Key::Ended(id)));
        assert_eq!(world.bids(), [], "something is left of the key");
        let (task, key) = (world.clone(), idempotency(OTHER_BODY));
        let reused = world
            .complete(async move { submit_once(&task, &task.connect(), OTHER_BODY, key).await });
        assert!(
            !matches!(reused, Err(SubmitError::KeyReused)),
            "struck at {operation}"
        );
    }
}

#[test]
fn a_failure_while_an_order_is_removed_leaves_nothing_that_stays() {
    a_failure_while_removing_leaves_nothing(expire);
}

/// The operation of a turn that looks at the bid: the turn, a page of keys, the record and the counter come
/// before it. A removal that stands still later, for longer than another takes in full, is held by nothing,
/// as a store has no operation that removes what is as it was seen; see `forget`.
const LAST_LOOK: usize = 6;

fn a_stalled_removal_deletes_no_newer_choice(expire: Expire) {
    let mut newer = 0;
    for operation in 0..=LAST_LOOK {
        let (world, old) = old_keyed_order();
        let key = idempotency(BODY);
        let line = world.connect().standing_still_at(operation, 4 * KEPT_MS);
        let stalled = world.spawn(expire(world.clone(), line));
        let task = world.clone();
        let told = world.spawn(async move {
            // Another removes it in full, and the key comes again.
            for _ in 0..3 {
                task.clock.sleep(2 * EXPIRY.interval_ms).await;
                let expired = roles::expire(&task, &task.connect()).await;
                expired.expect("calm");
            }
            submit_once_until_accepted(task.clone(), key).await
        });
        world.run();
        stalled.take().expect("calm");
        let told = told.take();
        newer += usize::from(told != old);
        let same = world.complete(submit_once_until_accepted(world.clone(), key));
        assert_eq!(same, told, "stood still at {operation}");
    }
    assert!(
        newer >= LAST_LOOK / 2,
        "it came to a newer order {newer} times"
    );
}

#[test]
fn a_removal_that_stood_still_deletes_no_newer_choice() {
    a_stalled_removal_deletes_no_newer_choice(expire);
}

fn old_open_orders_starve_nothing(expire: Expire) {
    let world = World::calm();
    world.store.inner().page_by(100);
    for _ in 0..200 {
        world.complete(submit(world.clone()));
    }
    world.pass_ms(1);
    let ended = world.complete(submit(world.clone()));
    let task = world.clone();
    world.complete(async move { cancel_until_told(&task, ended).await.expect("it is open") });
    world.pass_ms(KEPT_MS);
    expire_until(&world, expire, |world| !world.has(Key::Ended(ended)));
    assert_eq!(world.open().len(), 200, "what is open stays");
}

#[test]
fn however_many_old_orders_are_open_what_ended_is_removed() {
    old_open_orders_starve_nothing(expire);
}
