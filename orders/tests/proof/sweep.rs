//! Sweeps: what nobody works on is found, and what crashes left lying is cleared away.

use orders::{DISPATCH_GRACE_MS, Key, OrderId, Status, Store, Turn, cancel, next_sweep_at};

use crate::support::conditions::{Conditions, under, under_all_conditions};
use crate::support::fault::{Fault, Quirk};
use crate::support::roles::{SHORT_WORK, hold, process, recover, submit, sweep, sweep_until_done};
use crate::support::sample::{BODY, LEASE_MS, POLICY};
use crate::support::world::World;

/// How long a marker without a record is left, in milliseconds.
const MARKER_GRACE_MS: u64 = 60_000;

#[test]
fn of_replicas_that_ask_at_once_one_sweeps_in_each_interval() {
    under_all_conditions(20, |world| {
        // The first turn of all: on a store whose creating swap overwrites, several may get it.
        world.complete(sweep_until_done(world.clone()));
        for _ in 0..3 {
            world.pass_ms(POLICY.interval_ms);
            let turns: Vec<_> = (0..8)
                .map(|_| {
                    let world = world.clone();
                    world
                        .clone()
                        .spawn(async move { sweep(&world, &world.connect()).await })
                })
                .collect();
            world.run();
            let turns: Vec<_> = turns.into_iter().map(|turn| turn.take()).collect();
            let taken = turns
                .iter()
                .filter(|turn| matches!(turn, Ok(Turn::Taken(_))))
                .count();
            assert!(taken <= 1, "{taken} sweep at once");
            if !world.conditions.may_fail() {
                assert_eq!(taken, 1);
            }
        }
    });
}

#[test]
fn who_asks_too_early_is_told_when_to_come_again() {
    under_all_conditions(5, |world| {
        let swept = world.complete(sweep_until_done(world.clone()));
        world.store.calm();
        let task = world.clone();
        let turn = world.complete(async move { sweep(&task, &task.connect()).await });
        assert_eq!(turn, Ok(Turn::NotDue(swept.next_at)));
        let task = world.clone();
        let looked = world.complete(async move { next_sweep_at(&task.connect()).await });
        assert_eq!(looked, Ok(Some(swept.next_at)));
    });
}

#[test]
fn an_order_whose_dispatch_was_lost_is_dispatched_within_one_sweep() {
    under_all_conditions(5, |world| {
        let id = world.complete(submit(world.clone()));
        world.pass_ms(DISPATCH_GRACE_MS);
        world.store.calm();
        let swept = world.complete(sweep_until_done(world.clone()));
        assert!(swept.due.contains(&id));
    });
}

#[test]
fn a_dispatch_that_is_under_way_is_not_repeated_but_swept_for_soon() {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!((swept.due, swept.open), (vec![], 1));
    let due = world.record(id).created_at.plus_ms(DISPATCH_GRACE_MS);
    assert_eq!(swept.next_at, due, "as soon as its dispatch counts as lost");
}

#[test]
fn a_sweep_is_due_when_the_first_lease_runs_out() {
    let world = World::calm();
    let task = world.clone();
    let lapses_at = world.complete(async move {
        let id = submit(task.clone()).await;
        hold(&task, id).await.expect("a pending order");
        // So late that the lease ends before the next sweep but one.
        task.clock.sleep(LEASE_MS - POLICY.interval_ms / 2).await;
        task.record(id).claimable_at().expect("it is open")
    });
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!((swept.due, swept.next_at), (vec![], lapses_at));
}

#[test]
fn orders_whose_processors_died_are_ended_by_sweeps_alone() {
    under_all_conditions(5, |world| {
        let ids: Vec<_> = (0..10)
            .map(|_| world.spawn(submit(world.clone())))
            .collect();
        world.run();
        let ids: Vec<OrderId> = ids.into_iter().map(|id| id.take()).collect();
        let task = world.clone();
        let held = ids[0];
        world.complete(async move { hold(&task, held).await.expect("a pending order") });
        world.complete(recover(world.clone()));
        for id in ids {
            assert!(world.status(id).is_terminal());
        }
    });
}

#[test]
fn a_marker_that_outlived_its_order_is_removed() {
    under_all_conditions(5, |world| {
        let task = world.clone();
        let id = world.complete(async move {
            let id = submit(task.clone()).await;
            while task.status(id) != Status::Cancelled {
                let _again = cancel(&task.connect(), id, task.token(), task.now()).await;
            }
            task.store.calm();
            // As if the write of the record had been the last before a crash.
            task.connect()
                .set(&Key::Marker(id), b"1")
                .await
                .expect("calm");
            id
        });
        assert!(world.has(Key::Marker(id)));
        world.complete(recover(world.clone()));
        assert!(!world.has(Key::Marker(id)) && world.has(Key::Record(id)));
    });
}

#[test]
fn a_marker_whose_order_was_never_accepted_is_removed_after_a_grace_time() {
    let world = World::calm();
    let task = world.clone();
    let id = world.complete(async move {
        let id = task.submission(BODY).id;
        task.connect()
            .set(&Key::Marker(id), b"1")
            .await
            .expect("calm");
        id
    });
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!(
        (swept.open, world.has(Key::Marker(id))),
        (0, true),
        "its record may come yet"
    );
    world.pass_ms(MARKER_GRACE_MS + 1);
    world.complete(sweep_until_done(world.clone()));
    assert!(!world.has(Key::Marker(id)));
}

#[test]
fn a_damaged_record_does_not_hide_the_others() {
    let world = World::calm();
    let ids = [(); 2].map(|()| world.complete(submit(world.clone())));
    world.store.inner().damage(ids[0]);
    world.pass_ms(DISPATCH_GRACE_MS);
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!(swept.due, [ids[1]]);
}

#[test]
fn a_sweep_that_failed_midway_is_taken_up_after_the_interval() {
    // The operations of a turn: snapshot, swap, read-back; then the listing.
    const LISTS: usize = 3;
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    world.pass_ms(DISPATCH_GRACE_MS);
    let line = world.connect().struck_at(LISTS, Fault::FailsBeforeApplying);
    let task = world.clone();
    let failed = world.complete(async move { sweep(&task, &line).await });
    assert!(failed.is_err());
    let before = world.now();
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!(swept.due, [id]);
    assert!(world.now().ms_since(before) <= POLICY.interval_ms);
}

#[test]
fn a_replica_whose_clock_is_far_ahead_does_not_stop_the_sweeps_of_the_others() {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    world.pass_ms(DISPATCH_GRACE_MS);
    let task = world.clone();
    let ahead = world.complete(async move {
        let writes = [task.token(), task.token()];
        let tomorrow = task.now().plus_ms(24 * 3_600_000);
        orders::sweep(&task.connect(), POLICY, writes, tomorrow).await
    });
    assert!(matches!(ahead, Ok(Turn::Taken(_))));
    let task = world.clone();
    let turn = world.complete(async move { sweep(&task, &task.connect()).await });
    assert!(matches!(turn, Ok(Turn::Taken(swept)) if swept.due == [id]));
}

#[test]
fn replicas_whose_clocks_differ_by_less_than_an_interval_take_one_turn() {
    let world = World::calm();
    let task = world.clone();
    let ahead = world.complete(async move {
        let writes = [task.token(), task.token()];
        let soon = task.now().plus_ms(POLICY.interval_ms - 1);
        orders::sweep(&task.connect(), POLICY, writes, soon).await
    });
    assert!(matches!(ahead, Ok(Turn::Taken(_))));
    let task = world.clone();
    let behind = world.complete(async move { sweep(&task, &task.connect()).await });
    assert!(matches!(behind, Ok(Turn::NotDue(_))), "{behind:?}");
}

#[test]
fn due_orders_are_told_oldest_first_however_the_store_lists_them() {
    let quirk = Some(Quirk::ListsInAnyOrder);
    under(&[Conditions { fault: None, quirk }], 10, |world| {
        let mut ids = Vec::new();
        for _ in 0..40 {
            ids.push(world.complete(submit(world.clone())));
            world.pass_ms(10);
        }
        world.pass_ms(DISPATCH_GRACE_MS);
        assert_eq!(world.complete(sweep_until_done(world.clone())).due, ids);
        let task = world.clone();
        let first = ids[0];
        let worked =
            world.complete(async move { process(&task, &task.connect(), first, SHORT_WORK).await });
        assert!(worked.is_some_and(|settled| settled.is_ok()));
    });
}
