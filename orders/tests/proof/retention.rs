//! Retention: what has ended goes in time with all that belongs to it; what is open stays.

use orders::{Key, OrderId, SubmitError};

use crate::support::conditions::under_all_conditions;
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{
    recover, submit, submit_once, submit_once_until_accepted, sweep_until_done,
};
use crate::support::sample::{BODY, OTHER_BODY, POLICY, idempotency};
use crate::support::world::World;

/// Sweeps until nothing is left to remove.
fn sweep_all(world: &World) {
    let task = world.clone();
    world.complete(async move {
        loop {
            let old = task.orders().len();
            sweep_until_done(task.clone()).await;
            if task.orders().len() == old {
                return;
            }
        }
    });
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
        sweep_all(world);
        for id in [keyed, ended, open] {
            assert!(world.has(Key::Record(id)), "it is kept for its time");
        }
        // What the faults left unfinished may add records; none of them was accepted.
        world.pass_ms(POLICY.retention_ms);
        sweep_all(world);
        assert_eq!(remains(world, &[keyed, ended, open]), [open]);
        assert!(!world.has(Key::Pointer(key.key)));
        assert!(!world.has(Key::Creators(key.key)));

        world.complete(recover(world.clone()));
        sweep_all(world);
        assert_eq!(world.orders(), [], "it has ended, and is old");
        assert_eq!(world.open(), []);
    });
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
        world.pass_ms(POLICY.retention_ms);
        sweep_all(world);
        let again = reuse(world).expect("the key stands for nothing any more");
        assert_ne!(again.id, id);
    });
}

#[test]
fn an_order_of_which_nobody_was_told_goes_with_its_retention() {
    let world = World::calm();
    // Dies after the record, before the pointer.
    let key = idempotency(BODY);
    let task = world.clone();
    let line = world.connect().dying_at(Death {
        operation: 2,
        applied: true,
    });
    let died = world.complete(mortal(line.life(), async move {
        submit_once(&task, &line, BODY, key).await
    }));
    assert!(died.is_none());
    assert_eq!((world.orders().len(), world.open().len()), (1, 0));
    world.pass_ms(POLICY.retention_ms + 1);
    sweep_all(&world);
    assert_eq!(world.orders(), []);
}

fn remains(world: &World, ids: &[OrderId]) -> Vec<OrderId> {
    let left = ids.iter().filter(|id| world.has(Key::Record(**id)));
    left.copied().collect()
}
