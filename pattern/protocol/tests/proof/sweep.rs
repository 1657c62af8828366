//! Sweeps: what nobody works on is found, and what ended among the open orders is moved; one failed
//! read stops nothing, and retries and whole backlogs are swept for in time.

use protocol::{
    DISPATCH_GRACE_MS, Key, OrderId, Status, Store as _, SweepTurn, cancel, next_sweep_at,
};

use crate::support::conditions::{Conditions, under, under_all_conditions};
use crate::support::fault::{Fault, Quirk};
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{
    End, SHORT_WORK, Work, hold, process, recover, submit, sweep, sweep_until_done,
};
use crate::support::sample::{LEASE_MS, SWEEPS};
use crate::support::world::World;

#[test]
fn of_replicas_that_ask_at_once_one_sweeps_in_each_interval() {
    under_all_conditions(20, |world| {
        // The first turn of all: on a store whose creating swap overwrites, several may get it.
        world.complete(sweep_until_done(world.clone()));
        for _ in 0..3 {
            world.pass_ms(SWEEPS.interval_ms);
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
                .filter(|turn| matches!(turn, Ok(SweepTurn::Taken(_))))
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
    let world = World::calm();
    world.complete(sweep_until_done(world.clone()));
    let next_at = world.now().plus_ms(SWEEPS.interval_ms);
    let task = world.clone();
    let turn = world.complete(async move { sweep(&task, &task.connect()).await });
    assert_eq!(turn, Ok(SweepTurn::NotDue(next_at)));
    let task = world.clone();
    let looked = world.complete(async move { next_sweep_at(&task.connect(), task.now()).await });
    assert_eq!(looked, Ok(Some(next_at)));
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

/// When the next sweep is due after one that is made now.
fn next_after_a_sweep(world: &World) -> protocol::Timestamp {
    world.complete(sweep_until_done(world.clone()));
    let task = world.clone();
    let next_at = async move { next_sweep_at(&task.connect(), task.now()).await };
    world.complete(next_at).expect("calm").expect("it rests")
}

#[test]
fn a_dispatch_that_is_under_way_is_neither_repeated_nor_a_reason_to_sweep_soon() {
    let world = World::calm();
    world.complete(submit(world.clone()));
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!((swept.due, swept.open), (vec![], 1));
    world.pass_ms(SWEEPS.interval_ms);
    let world = World::calm();
    world.complete(submit(world.clone()));
    let next_at = next_after_a_sweep(&world);
    assert_eq!(next_at, world.now().plus_ms(SWEEPS.interval_ms));
}

#[test]
fn a_sweep_is_due_when_the_first_lease_runs_out() {
    let world = World::calm();
    let task = world.clone();
    let lapses_at = world.complete(async move {
        let id = submit(task.clone()).await;
        hold(&task, id).await.expect("a pending order");
        // So late that the lease ends before the next sweep but one.
        task.clock.sleep(LEASE_MS - SWEEPS.interval_ms / 2).await;
        task.record(id).claimable_at().expect("it is open")
    });
    assert_eq!(next_after_a_sweep(&world), lapses_at);
}

#[test]
fn a_sweep_is_due_when_the_first_retry_is() {
    let world = World::calm();
    let task = world.clone();
    let due = world.complete(async move {
        let id = submit(task.clone()).await;
        let work = Work {
            end: End::Retryable,
            ..SHORT_WORK
        };
        let settled = process(&task, &task.connect(), id, work).await;
        let record = settled.expect("claimed").expect("settled");
        record.claimable_at().expect("it is to be tried again")
    });
    let next_at = next_after_a_sweep(&world);
    assert_eq!(next_at, due.plus_ms(DISPATCH_GRACE_MS));
    world.pass_ms(next_at.ms_since(world.now()));
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!(swept.due.len(), 1);
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
fn what_ended_and_was_not_moved_is_moved_by_the_next_sweep() {
    under_all_conditions(5, |world| {
        // Of a cancellation, the operations until it is written and known: snapshot, swap, read-back, unless
        // the store is believed.
        let moves = 3 - usize::from(world.connect().swaps_exactly());
        for (operation, applied) in [(moves, false), (moves, true), (moves + 1, false)] {
            let world = world.again();
            let id = world.complete(submit(world.clone()));
            world.store.calm();
            let line = world.connect().dying_at(Death { operation, applied });
            let task = world.clone();
            let died = mortal(line.life(), async move {
                cancel(&line, id, task.token(), task.now()).await
            });
            assert!(world.complete(died).is_none());
            // Others may be there of submissions that were told to have failed.
            assert!(world.open().contains(&id), "it died before it was moved");
            world.complete(sweep_until_done(world.clone()));
            assert!(!world.open().contains(&id));
            assert_eq!(world.status(id), Status::Cancelled);
        }
    });
}

#[test]
fn a_damaged_record_does_not_hide_the_others() {
    let world = World::calm();
    let ids = [(); 2].map(|()| world.complete(submit(world.clone())));
    world.store.inner().damage(Key::Open(ids[0]));
    world.pass_ms(DISPATCH_GRACE_MS);
    let swept = world.complete(sweep_until_done(world.clone()));
    assert_eq!((&swept.due, swept.unread[0].0), (&vec![ids[1]], ids[0]));
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
    assert!(world.now().ms_since(before) <= SWEEPS.interval_ms);
}

#[test]
fn a_replica_whose_clock_is_far_ahead_does_not_stop_the_sweeps_of_the_others() {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    world.pass_ms(DISPATCH_GRACE_MS);
    let task = world.clone();
    let ahead = world.complete(async move {
        let tomorrow = task.now().plus_ms(24 * 3_600_000);
        protocol::sweep(&task.connect(), SWEEPS, task.token(), tomorrow).await
    });
    assert!(matches!(ahead, Ok(SweepTurn::Taken(_))));
    let task = world.clone();
    let turn = world.complete(async move { sweep(&task, &task.connect()).await });
    assert!(matches!(turn, Ok(SweepTurn::Taken(swept)) if swept.due == [id]));
}

#[test]
fn replicas_whose_clocks_differ_by_less_than_an_interval_take_one_turn() {
    let world = World::calm();
    let task = world.clone();
    let ahead = world.complete(async move {
        let soon = task.now().plus_ms(SWEEPS.interval_ms - 1);
        protocol::sweep(&task.connect(), SWEEPS, task.token(), soon).await
    });
    assert!(matches!(ahead, Ok(SweepTurn::Taken(_))));
    let task = world.clone();
    let behind = world.complete(async move { sweep(&task, &task.connect()).await });
    assert!(matches!(behind, Ok(SweepTurn::NotDue(_))), "{behind:?}");
}

#[test]
fn due_orders_are_told_oldest_first_however_the_store_lists_them() {
    let quirk = Some(Quirk::ListsInAnyOrder);
    under(&[Conditions::of(quirk)], 10, |world| {
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
