//! Retention: what has ended goes in time, and not before, with all that belongs to it; what is open
//! stays, and holds nothing up.

use protocol::{Expired, Key, OrderId, SubmitError};

use crate::support::conditions::under_all_conditions;
use crate::support::roles::{
    cancel_until_told, expire_until_done, recover, submit, submit_once, submit_once_until_accepted,
};
use crate::support::sample::{BODY, EXPIRY, KEPT_MS, OTHER_BODY, RETENTION_MS, idempotency};
use crate::support::world::World;

/// Removes until nothing is left to remove.
fn expire_all(world: &World) -> Expired {
    let task = world.clone();
    world.complete(async move {
        loop {
            let old = task.orders().len();
            let expired = expire_until_done(task.clone()).await;
            if task.orders().len() == old && expired.failed.is_empty() {
                return expired;
            }
        }
    })
}

/// So long that everything which ended until now may be removed, and is looked for.
fn pass_retention(world: &World) {
    world.pass_ms(KEPT_MS + EXPIRY.interval_ms);
}

#[test]
fn ended_orders_are_removed_in_time_with_their_keys_and_open_ones_stay() {
    under_all_conditions(5, |world| {
        let key = idempotency(BODY);
        let keyed = world.complete(submit_once_until_accepted(world.clone(), key));
        let ended = world.complete(submit(world.clone()));
        world.complete(recover(world.clone()));
        let open = world.complete(submit(world.clone()));
        world.store.calm();
        world.complete(expire_until_done(world.clone()));
        // Where the store fails, recovery may have taken as long.
        if !world.conditions.may_fail() {
            assert_eq!(remains(world, &[keyed, ended, open]), [keyed, ended, open]);
        }
        // What the faults left unfinished may add records; none of them was accepted.
        pass_retention(world);
        expire_all(world);
        assert_eq!(remains(world, &[keyed, ended, open]), [open]);
        assert_eq!(world.bids(), [], "nothing is left of the key");

        world.complete(recover(world.clone()));
        pass_retention(world);
        expire_all(world);
        assert!(world.orders().is_empty(), "it has ended, and is old");
    });
}

#[test]
fn retention_counts_from_the_end_and_not_from_the_submission() {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    // Open for much longer than anything is kept.
    world.pass_ms(3 * KEPT_MS);
    let task = world.clone();
    world.complete(async move { cancel_until_told(&task, id).await.expect("it is open") });
    world.pass_ms(RETENTION_MS);
    // What is removed early is seen by the audit.
    assert_eq!(expire_all(&world).removed, 0);
    assert!(world.has(Key::Ended(id)));
    pass_retention(&world);
    expire_all(&world);
    assert!(!world.has(Key::Ended(id)));
}

#[test]
fn clocks_that_differ_by_minutes_remove_nothing_early() {
    for (ends, removes) in [(-90_000, 90_000), (90_000, -90_000), (-150_000, 150_000)] {
        let world = World::calm();
        let id = world.complete(submit(world.with_clock_off(ends)));
        let task = world.with_clock_off(ends);
        world.complete(async move { cancel_until_told(&task, id).await.expect("it is open") });
        let ahead = world.with_clock_off(removes);
        // The audit tells by the true time whether it was too early.
        while world.has(Key::Ended(id)) {
            world.complete(expire_until_done(ahead.clone()));
        }
        let kept_ms = world.clock.now().ms_since(crate::support::sample::START);
        assert!((RETENTION_MS..2 * KEPT_MS).contains(&kept_ms), "{kept_ms}");
    }
}

#[test]
fn a_key_may_be_used_for_another_order_when_its_retention_has_ended() {
    under_all_conditions(5, |world| {
        let first = idempotency(BODY);
        let id = world.complete(submit_once_until_accepted(world.clone(), first));
        world.complete(recover(world.clone()));
        world.store.calm();
        let other = idempotency(OTHER_BODY);
        let reuse = |world: &World| {
            let task = world.clone();
            world.complete(
                async move { submit_once(&task, &task.connect(), OTHER_BODY, other).await },
            )
        };
        assert!(matches!(reuse(world), Err(SubmitError::KeyReused)));
        pass_retention(world);
        expire_all(world);
        let again = reuse(world).expect("the key stands for nothing any more");
        assert_ne!(again.id, id);
    });
}

fn remains(world: &World, ids: &[OrderId]) -> Vec<OrderId> {
    let there = world.orders();
    ids.iter()
        .filter(|id| there.contains(id))
        .copied()
        .collect()
}
