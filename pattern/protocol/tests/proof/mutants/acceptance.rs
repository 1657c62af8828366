//! What was accepted is found: by every sweep, however long its submitter stood still and whatever its
//! clock says, whatever else cannot be read, and in time when it is to be tried again.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use protocol::{DISPATCH_GRACE_MS, Key, OrderId, Record, Store as _, StoreError, SweepTurn};

use super::Mutant;
use crate::support::fault::Fault;
use crate::support::faulty::Connection;
use crate::support::roles::{self, End, SHORT_WORK, Work, submit, sweep_until_done};
use crate::support::sample::{BODY, KEPT_MS, SWEEPS};
use crate::support::world::{Line, World};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an order has a marker of its own, which is removed when no record has come for a minute",
        breaks: "an accepted order is found by sweeps",
        test: || every_accepted_order_is_found(&MARKED),
    },
    Mutant {
        name: "a sweep ends at the first record that it cannot read",
        breaks: "one failed read stops nothing for the others",
        test: || others_are_found_when_a_read_fails(sweep_all_or_nothing),
    },
    Mutant {
        name: "a sweep does not say when the first retry is due",
        breaks: "a retry is found when it is due",
        test: || a_retry_is_found_when_it_is_due(sweep_without_rest),
    },
];

/// How orders are submitted and found.
struct Layout {
    submit: fn(World, Line) -> LocalBoxFuture<'static, OrderId>,
    /// The open orders.
    open: fn(World) -> LocalBoxFuture<'static, Vec<OrderId>>,
}

const PRODUCTION: Layout = Layout {
    submit: |world, line| {
        async move {
            let accepted = protocol::submit(&line, world.submission(BODY)).await;
            accepted.expect("calm").id
        }
        .boxed_local()
    },
    open: |world| async move { sweep_until_done(world).await.due }.boxed_local(),
};

/// Where a record says nothing of whether it is open.
const MARKED: Layout = Layout {
    submit: |world, line| {
        async move {
            // Any place will do for a record; the mutant's marker is where records are in truth.
            world.store.inner().audit_nothing();
            let submission = world.submission(BODY);
            let id = submission.id;
            line.set(&Key::Open(id), b"1").await.expect("calm");
            let elsewhere = World::calm();
            let record = elsewhere.complete(submit(elsewhere.clone()));
            let record = elsewhere.record(record);
            line.set(&Key::Ended(id), &record.to_json())
                .await
                .expect("calm");
            id
        }
        .boxed_local()
    },
    open: |world| {
        async move {
            const GRACE_MS: u64 = 60_000;
            let line = world.connect();
            let mut open = Vec::new();
            for id in world.open() {
                if line.get(&Key::Ended(id)).await.expect("calm").is_some() {
                    open.push(id);
                } else if world.now().ms_since(id.created_at()) > GRACE_MS {
                    line.delete(&Key::Open(id)).await.expect("calm");
                }
            }
            open
        }
        .boxed_local()
    },
};

/// A submitter with any clock stands still anywhere, for as long as it may be, while others sweep and
/// remove: what it then accepts is found.
fn every_accepted_order_is_found(layout: &Layout) {
    for (off_ms, pause_ms) in [
        (0, 90_000),
        (-90_000, 5_000),
        (90_000, 5_000),
        (0, 2 * KEPT_MS),
    ] {
        for operation in 0..3 {
            let world = World::calm();
            let submitter = world.with_clock_off(off_ms);
            let line = world.connect().standing_still_at(operation, pause_ms);
            let told = world.spawn((layout.submit)(submitter, line));
            let others = world.clone();
            let open = layout.open;
            world.spawn(async move {
                let until = others.now().plus_ms(pause_ms);
                while others.now() < until {
                    open(others.clone()).await;
                    roles::expire(&others, &others.connect())
                        .await
                        .expect("calm");
                    others.clock.sleep(SWEEPS.interval_ms).await;
                }
            });
            world.run();
            let id = told.take();
            world.pass_ms(DISPATCH_GRACE_MS + 180_000);
            let open = world.complete((layout.open)(world.clone()));
            assert_eq!(open, [id], "an accepted order is not found");
        }
    }
}

#[test]
fn an_accepted_order_is_found_wherever_its_submitter_stood_still() {
    every_accepted_order_is_found(&PRODUCTION);
}

type Sweep = fn(World, Line) -> LocalBoxFuture<'static, Result<Vec<OrderId>, StoreError>>;

fn sweep(world: World, line: Line) -> LocalBoxFuture<'static, Result<Vec<OrderId>, StoreError>> {
    async move {
        match roles::sweep(&world, &line).await? {
            SweepTurn::Taken(swept) => Ok(swept.due),
            SweepTurn::NotDue(_) => Ok(Vec::new()),
        }
    }
    .boxed_local()
}

fn sweep_all_or_nothing(
    world: World,
    line: Line,
) -> LocalBoxFuture<'static, Result<Vec<OrderId>, StoreError>> {
    async move {
        let mut due = Vec::new();
        for id in world.open() {
            let value = line.get(&Key::Open(id)).await?.expect("calm");
            let record = Record::from_json(&value).expect("a record");
            if protocol::needs_dispatch(&record, world.now()) {
                due.push(id);
            }
        }
        Ok(due)
    }
    .boxed_local()
}

/// Whichever operation on a record fails, all others are found.
fn others_are_found_when_a_read_fails(sweep: Sweep) {
    const ORDERS: usize = 6;
    // Before the first record: snapshot, swap and read-back of the turn, and a page of keys.
    const OPERATIONS: usize = 4;
    for operation in 0..OPERATIONS + ORDERS + 2 {
        let world = World::calm();
        world.store.inner().page_by(100);
        for _ in 0..ORDERS {
            world.complete(submit(world.clone()));
        }
        world.pass_ms(DISPATCH_GRACE_MS);
        let line = world
            .connect()
            .struck_at(operation, Fault::FailsBeforeApplying);
        let due = world.complete(sweep(world.clone(), line));
        match due {
            // No turn was got, or no listing: the next sweep is soon.
            _ if operation < OPERATIONS => {}
            Ok(due) => assert!(due.len() >= ORDERS - 1, "{} were found", due.len()),
            Err(error) => panic!("one failed read ended the sweep: {error}"),
        }
    }
}

#[test]
fn a_sweep_finds_the_others_when_a_read_fails() {
    others_are_found_when_a_read_fails(sweep);
}

fn sweep_without_rest(
    world: World,
    line: Line,
) -> LocalBoxFuture<'static, Result<Vec<OrderId>, StoreError>> {
    async move {
        match protocol::sweep(&line, SWEEPS, world.token(), world.now()).await? {
            SweepTurn::Taken(swept) => Ok(swept.due),
            SweepTurn::NotDue(_) => Ok(Vec::new()),
        }
    }
    .boxed_local()
}

/// Who asks for sweeps again and again finds a retry within a second of its being due.
fn a_retry_is_found_when_it_is_due(sweep: Sweep) {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let work = Work {
        end: End::Retryable,
        ..SHORT_WORK
    };
    let task = world.clone();
    world.complete(async move { roles::process(&task, &task.connect(), id, work).await });
    let due = world
        .record(id)
        .claimable_at()
        .expect("it is to be tried again");
    let line = || -> Line { Connection::new(world.store.clone()) };
    loop {
        let found = world.complete(sweep(world.clone(), line())).expect("calm");
        if found == [id] {
            break;
        }
        world.pass_ms(100);
    }
    let late_ms = world.now().ms_since(due);
    assert!(
        late_ms <= DISPATCH_GRACE_MS + 1_000,
        "found after {late_ms} ms"
    );
}

#[test]
fn a_retry_that_is_due_is_swept_for() {
    a_retry_is_found_when_it_is_due(sweep);
}
