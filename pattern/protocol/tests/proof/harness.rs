//! What the proof stands on is tested itself: each fault and each quirk does what its name
//! says, the audit sees what it is there to see, and a seed brings a run back.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use protocol::{AttemptEnd, Event, Key, OrderId, Snapshot as _, Store, StoreError, Swap, apply};

use crate::support::conditions::Conditions;
use crate::support::fault::{Fault, Quirk};
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{End, SHORT_WORK, end, hold, process, submit};
use crate::support::sample::{BODY, KEPT_MS, RETENTION_MS};
use crate::support::scheduler::pass;
use crate::support::world::World;

/// A swap of the sweep record, which no audit looks at, from `old` to "new", struck by `fault`:
/// what it answers, what is there at once, and what is there later.
fn swap_struck_by(fault: Fault, old: &'static [u8]) -> (Result<Swap, StoreError>, [Vec<u8>; 2]) {
    const SWAPS: usize = 1;
    let world = World::calm();
    let task = world.clone();
    world.complete(async move {
        let plain = task.connect();
        plain.set(&Key::Sweep, b"old").await.expect("calm");
        let line = task.connect().struck_at(SWAPS, fault);
        let snapshot = line.snapshot(&Key::Sweep).await.expect("calm");
        plain.set(&Key::Sweep, old).await.expect("calm");
        let answer = line.swap(snapshot, b"new").await;
        let at_once = plain.get(&Key::Sweep).await.expect("calm");
        task.clock.sleep(10_000).await;
        let later = plain.get(&Key::Sweep).await.expect("calm");
        (answer, [at_once, later].map(Option::unwrap_or_default))
    })
}

#[test]
fn each_fault_does_to_a_swap_what_its_name_says() {
    let done = Ok(Swap::Applied);
    let lost = Err(StoreError("the answer was lost".to_owned()));
    let nothing = Err(StoreError("nothing was done".to_owned()));
    for (fault, answer, at_once, later) in [
        (Fault::Delays, &done, "new", "new"),
        (Fault::FailsBeforeApplying, &nothing, "old", "old"),
        (Fault::AppliesAndReportsFailure, &lost, "new", "new"),
        (Fault::RefusesAndReportsSuccess, &done, "old", "old"),
        // Of the two, the second finds the first's value, and that is what is answered.
        (Fault::AppliesTwice, &Ok(Swap::Refused), "new", "new"),
        (Fault::AppliesAfterReportingFailure, &lost, "old", "new"),
    ] {
        let seen = [at_once, later].map(|value| value.as_bytes().to_vec());
        assert_eq!(
            swap_struck_by(fault, b"old"),
            (answer.clone(), seen),
            "{fault:?}"
        );
    }
    // What is applied late is compared late.
    let (_, [_, later]) = swap_struck_by(Fault::AppliesAfterReportingFailure, b"other");
    assert_eq!(later, b"other");
}

/// Two who swap one key at once, and what the second is answered and what is there then.
fn second_swap(quirk: Quirk, key_exists: bool) -> (Swap, Swap, Vec<u8>) {
    let world = World::new(Conditions::of(Some(quirk)), 0);
    let task = world.clone();
    world.complete(async move {
        let line = task.connect();
        if key_exists {
            line.set(&Key::Sweep, b"old").await.expect("no fault");
        }
        let first = line.snapshot(&Key::Sweep).await.expect("no fault");
        let second = line.snapshot(&Key::Sweep).await.expect("no fault");
        assert_eq!(first.value().is_some(), key_exists);
        let first = line.swap(first, b"first").await.expect("no fault");
        let second = line.swap(second, b"second").await.expect("no fault");
        let value = line.get(&Key::Sweep).await.expect("no fault");
        (first, second, value.unwrap_or_default())
    })
}

#[test]
fn each_quirk_of_swaps_is_that_of_its_host() {
    use Swap::{Applied, Refused};
    for (quirk, key_exists, first, second, value) in [
        (
            Quirk::RedisSwapAlwaysReportsFailure,
            true,
            Refused,
            Refused,
            "first",
        ),
        (
            Quirk::RedisAbortedSwapReportsSuccess,
            true,
            Applied,
            Applied,
            "first",
        ),
        (
            Quirk::SqliteSwapOfAbsentKeyOverwrites,
            true,
            Applied,
            Refused,
            "first",
        ),
        (
            Quirk::SqliteSwapOfAbsentKeyOverwrites,
            false,
            Applied,
            Applied,
            "second",
        ),
        (
            Quirk::CosmosIncrementMayRepeatNumbers,
            false,
            Applied,
            Refused,
            "first",
        ),
    ] {
        let seen = second_swap(quirk, key_exists);
        assert_eq!(
            seen,
            (first, second, value.as_bytes().to_vec()),
            "{quirk:?}"
        );
    }
}

/// The numbers that eight are told who increment one key at once, in some run.
fn numbers(quirk: Option<Quirk>, seed: u64) -> Vec<i64> {
    let world = World::new(Conditions::of(quirk), seed);
    let key = Key::Bids(crate::support::sample::idempotency(BODY).key);
    let numbers: Vec<_> = (0..8)
        .map(|_| {
            let line = world.connect();
            world.spawn(async move { line.increment(&key, 1).await.expect("no fault") })
        })
        .collect();
    world.run();
    let mut numbers: Vec<_> = numbers.into_iter().map(|number| number.take()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn each_quirk_of_counters_is_that_of_its_host() {
    assert_eq!(numbers(None, 0), [1, 2, 3, 4, 5, 6, 7, 8]);
    let repeats = |numbers: &[i64]| !numbers.is_sorted_by(|one, next| one < next);
    let repeat = Some(Quirk::CosmosIncrementMayRepeatNumbers);
    assert!((0..20).any(|seed| repeats(&numbers(repeat, seed))));
    let delta = Some(Quirk::CosmosIncrementAfterConflictReturnsDelta);
    assert!((0..20).any(|seed| numbers(delta, seed).starts_with(&[1, 1])));
}

#[test]
fn a_process_that_dies_takes_its_unfinished_operation_along_or_not() {
    for applied in [false, true] {
        let world = World::calm();
        let line = world.connect().dying_at(Death {
            operation: 0,
            applied,
        });
        let died = mortal(line.life(), async move {
            let _untold = line.set(&Key::Sweep, b"1").await;
        });
        assert!(world.complete(died).is_none());
        assert_eq!(world.has(Key::Sweep), applied);
    }
}

/// An order that is completed, in a calm world.
fn completed() -> (World, OrderId) {
    let world = World::calm();
    let task = world.clone();
    let id = world.complete(async move {
        let id = submit(task.clone()).await;
        process(&task, &task.connect(), id, SHORT_WORK).await;
        id
    });
    (world, id)
}

/// Writes a record past the protocol, where it is now.
fn overwrite(world: &World, mut record: protocol::Record) {
    record.revision += 1;
    record.write = world.token();
    let line = world.connect();
    let place = if world.open().contains(&record.id) {
        Key::Open(record.id)
    } else {
        Key::Ended(record.id)
    };
    world
        .complete(async move {
            let snapshot = line.snapshot(&place).await.expect("calm");
            line.swap(snapshot, &record.to_json()).await
        })
        .expect("calm");
}

#[test]
#[should_panic(expected = "has ended, and changes")]
fn the_audit_sees_that_an_order_ends_twice() {
    let (world, id) = completed();
    let mut record = world.record(id);
    record.state = protocol::State::Cancelled { at: world.now() };
    overwrite(&world, record);
}

#[test]
#[should_panic(expected = "is settled by its holder")]
fn the_audit_sees_that_a_stranger_settles() {
    let world = World::calm();
    let task = world.clone();
    let (id, claimant) = world.complete(async move {
        let id = submit(task.clone()).await;
        (id, hold(&task, id).await.expect("a pending order"))
    });
    let AttemptEnd::Completed { result } = end(world.claimant(), End::Completed) else {
        unreachable!("the end that was asked for")
    };
    let event = Event::Ended {
        token: claimant.token,
        end: AttemptEnd::Completed { result },
    };
    let record = apply(&world.record(id), &event, world.now()).expect("the holder's token");
    overwrite(&world, record);
}

#[test]
#[should_panic(expected = "skips no revision")]
fn the_audit_sees_that_a_write_was_lost() {
    let (world, id) = completed();
    let mut record = world.record(id);
    record.revision += 1;
    overwrite(&world, record);
}

#[test]
#[should_panic(expected = "told of and is removed")]
fn the_audit_sees_that_an_order_that_was_told_of_is_removed() {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let line = world.connect();
    let removed = world.complete(async move { line.delete(&Key::Open(id)).await });
    removed.expect("calm");
}

#[test]
#[should_panic(expected = "before its retention has ended")]
fn the_audit_sees_that_an_ended_order_is_removed_early() {
    let (world, id) = completed();
    world.pass_ms(RETENTION_MS - 1_000);
    let line = world.connect();
    let removed = world.complete(async move { line.delete(&Key::Ended(id)).await });
    removed.expect("calm");
}

#[test]
#[should_panic(expected = "is moved and open")]
fn the_audit_sees_that_an_open_order_is_moved() {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let record = world.record(id);
    let line = world.connect();
    let moved = world.complete(async move { protocol::move_ended(&line, &record).await });
    moved.expect("calm");
}

#[test]
fn processes_pause_for_longer_than_anybody_waits_and_their_clocks_jump() {
    let conditions = Conditions {
        pauses: true,
        clocks: true,
        ..Conditions::CALM
    };
    let world = World::new(conditions, 1);
    let task = world.process();
    let longest_ms = world.complete(async move {
        let line = task.connect();
        let mut longest_ms = 0;
        for _ in 0..2_000 {
            let began = task.clock.now();
            line.get(&Key::Sweep).await.expect("no fault");
            longest_ms = longest_ms.max(task.clock.now().ms_since(began));
        }
        longest_ms
    });
    assert!(longest_ms > KEPT_MS);
    let task = world.process();
    let off_ms: BTreeSet<_> = (0..1_000)
        .map(|_| {
            task.now().as_unix_ms().cast_signed() - task.clock.now().as_unix_ms().cast_signed()
        })
        .collect();
    let far = |off_ms: &i64| off_ms.abs() > 60_000;
    assert!(
        off_ms.len() > 10 && off_ms.iter().any(far) && off_ms.iter().all(|off| off.abs() <= 90_000)
    );
}

#[test]
fn a_seed_brings_an_interleaving_back_and_others_bring_others() {
    let interleaving = |seed| {
        let world = World::new(Conditions::CALM, seed);
        let steps = Rc::new(RefCell::new(Vec::new()));
        for task in 0..4 {
            let steps = Rc::clone(&steps);
            world.spawn(async move {
                for _ in 0..4 {
                    steps.borrow_mut().push(task);
                    pass().await;
                }
            });
        }
        world.run();
        steps.take()
    };
    assert_eq!(interleaving(1), interleaving(1));
    assert!((2..10).any(|seed| interleaving(seed) != interleaving(1)));
}

#[test]
fn those_who_wait_for_one_time_go_on_together() {
    let world = World::calm();
    let steps = Rc::new(RefCell::new(Vec::new()));
    for task in 0..8 {
        let (clock, steps) = (world.clock.clone(), Rc::clone(&steps));
        world.spawn(async move {
            clock.sleep(1_000).await;
            for _ in 0..4 {
                steps.borrow_mut().push(task);
                pass().await;
            }
        });
    }
    world.run();
    let steps = steps.take();
    assert!(
        steps
            .chunks(4)
            .any(|turns| turns.iter().any(|task| *task != turns[0]))
    );
}
