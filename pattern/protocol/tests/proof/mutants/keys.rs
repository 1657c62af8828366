//! A creator of an order that stands still, dies or fails takes nothing from others: neither an order
//! that they were told of, nor their time.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use protocol::{Idempotency, Key, OrderId, Snapshot as _, Store as _, TAKEOVER_MS};
use serde_json::json;

use super::Mutant;
use crate::support::conditions::Conditions;
use crate::support::fault::Quirk;
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{submit_once, submit_once_until_accepted};
use crate::support::sample::{BODY, idempotency};
use crate::support::world::{Line, World};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "the key's one pointer is created by a swap, and who does not find its own there removes its order",
        breaks: "a stalled creator deletes no order that others were told of",
        test: || a_stalled_creator_takes_no_order_away(by_pointer),
    },
    Mutant {
        name: "each creator is waited for that came before, one after the other",
        breaks: "a creator that failed does not keep its place in line",
        test: || nobody_waits_for_each_creator_that_died(in_line),
    },
];

type SubmitOnce = fn(World, Line, Idempotency) -> LocalBoxFuture<'static, Option<OrderId>>;

fn once(world: World, line: Line, key: Idempotency) -> LocalBoxFuture<'static, Option<OrderId>> {
    async move {
        let submitted = submit_once(&world, &line, BODY, key).await;
        submitted.ok().map(|record| record.id)
    }
    .boxed_local()
}

fn by_pointer(
    world: World,
    line: Line,
    key: Idempotency,
) -> LocalBoxFuture<'static, Option<OrderId>> {
    async move {
        let pointer = Key::Bid(key.key, 1);
        let order = protocol::submit(&line, world.submission(BODY))
            .await
            .ok()?
            .id;
        let snapshot = line.snapshot(&pointer).await.ok()?;
        if snapshot.value().is_none() {
            let mine = json!({ "order": order, "state": "chosen" });
            let _hint = line.swap(snapshot, mine.to_string().as_bytes()).await;
        }
        let value = line.get(&pointer).await.ok()??;
        let there: serde_json::Value = serde_json::from_slice(&value).expect("JSON");
        let chosen: OrderId = there["order"].as_str()?.parse().ok()?;
        if chosen != order {
            line.delete(&Key::Open(order)).await.ok()?;
        }
        world.store.inner().tell(chosen);
        Some(chosen)
    }
    .boxed_local()
}

fn in_line(world: World, line: Line, key: Idempotency) -> LocalBoxFuture<'static, Option<OrderId>> {
    async move {
        let before = line.increment(&Key::Bids(key.key), 0).await.ok()?;
        world.clock.sleep(TAKEOVER_MS * before.unsigned_abs()).await;
        once(world.clone(), line, key).await
    }
    .boxed_local()
}

/// The audit sees that an order which somebody was told of is removed.
fn a_stalled_creator_takes_no_order_away(submit_once: SubmitOnce) {
    for quirk in [None, Some(Quirk::SqliteSwapOfAbsentKeyOverwrites)] {
        for operation in 0..16 {
            for pause_ms in [500, TAKEOVER_MS + 500, 60_000] {
                let world = World::new(Conditions::of(quirk), operation as u64);
                let key = idempotency(BODY);
                let stalled = world.connect().standing_still_at(operation, pause_ms);
                let mut told = vec![world.spawn(submit_once(world.clone(), stalled, key))];
                for _ in 0..3 {
                    told.push(world.spawn(submit_once(world.clone(), world.connect(), key)));
                }
                world.run();
                let mut told: Vec<_> = told.into_iter().filter_map(|told| told.take()).collect();
                told.dedup();
                assert_eq!(told.len(), 1, "of one key, different orders are told");
            }
        }
    }
}

#[test]
fn a_creator_that_stood_still_takes_no_order_away_that_others_were_told_of() {
    a_stalled_creator_takes_no_order_away(once);
}

/// However many creators of a key died at any point, who comes next is told within one time.
fn nobody_waits_for_each_creator_that_died(submit_once: SubmitOnce) {
    const DEAD: usize = 12;
    // So much later than the first does each further bidder take over.
    const STRAGGLER_MS: u64 = 250;
    for operation in 0..8 {
        let world = World::calm();
        let key = idempotency(BODY);
        for _ in 0..DEAD {
            let applied = true;
            let line = world.connect().dying_at(Death { operation, applied });
            let died = mortal(line.life(), submit_once(world.clone(), line, key));
            world.complete(died);
        }
        let began = world.now();
        world.complete(submit_once_until_accepted(world.clone(), key));
        let next = submit_once(world.clone(), world.connect(), key);
        assert!(world.complete(next).is_some());
        let waited_ms = world.now().ms_since(began);
        let bound_ms = TAKEOVER_MS + STRAGGLER_MS * DEAD as u64;
        assert!(
            waited_ms <= bound_ms,
            "{waited_ms} ms after deaths at {operation}"
        );
    }
}

#[test]
fn who_comes_after_many_creators_that_died_waits_once() {
    nobody_waits_for_each_creator_that_died(once);
}
