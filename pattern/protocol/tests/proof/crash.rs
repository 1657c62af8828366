//! Crashes: a process dies at each single operation of each step of the protocol, before and
//! after the store applied it; then recovery by sweeps alone ends every accepted order, once.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use protocol::{Claimant, ExpiryTurn, Key, OrderId, Status, cancel, release, renew};

use crate::support::conditions::{Conditions, under};
use crate::support::fault::Fault;
use crate::support::faulty::{Death, LATE_MS_MAX};
use crate::support::mortal::mortal;
use crate::support::roles::{
    End, SHORT_WORK, Work, claim, end, expire, expire_until_done, hold, process, recover, settle,
    submit, submit_once_until_accepted, sweep, tell,
};
use crate::support::sample::{BODY, EXPIRY, KEPT_MS, LEASE_MS, SWEEPS, idempotency};
use crate::support::world::{Line, World};

/// More operations than any step has, also one that waits for a creator ahead that never was.
const OPERATIONS_MAX: usize = 120;

/// What a process does until it dies, with an order that is there, and its claim if it has one.
type Step = fn(World, Line, OrderId, Claimant) -> LocalBoxFuture<'static, ()>;

/// Has a process die at each operation of `step` in turn, under all conditions, on an order
/// that it holds or not; hands each world to `check` after its recovery.
fn die_everywhere(held: bool, step: Step, check: impl Fn(&World, OrderId)) {
    die_everywhere_in(|world| world, held, step, check);
}

/// The same in worlds that `prepared` makes of them.
fn die_everywhere_in(
    prepared: fn(World) -> World,
    held: bool,
    step: Step,
    check: impl Fn(&World, OrderId),
) {
    under(&Conditions::all(), 1, |origin| {
        for operation in 0..OPERATIONS_MAX {
            let mut died = false;
            for applied in [false, true] {
                let world = prepared(origin.again());
                let (id, claimant) = prepare(&world, held);
                let line = world.connect().dying_at(Death { operation, applied });
                let mortal = mortal(line.life(), step(world.clone(), line, id, claimant));
                died |= world.complete(mortal).is_none();
                world.complete(recover(world.clone()));
                assert!(world.status(id).is_terminal(), "order `{id}` did not end");
                assert_eq!(world.open(), [], "nothing is left open");
                check(&world, id);
            }
            if !died {
                assert!(operation > 0, "it never died");
                return;
            }
        }
        panic!("the step has more than {OPERATIONS_MAX} operations");
    });
}

fn prepare(world: &World, held: bool) -> (OrderId, Claimant) {
    let task = world.clone();
    world.complete(async move {
        let id = submit(task.clone()).await;
        let claimant = if held {
            hold(&task, id).await.expect("a pending order")
        } else {
            task.claimant()
        };
        (id, claimant)
    })
}

#[test]
fn a_client_that_dies_while_it_submits_leaves_an_order_that_ends_or_nothing_that_stays() {
    let step: Step = |world, line, _, _| {
        async move {
            let _untold = protocol::submit(&line, world.submission(BODY)).await;
        }
        .boxed_local()
    };
    die_everywhere(false, step, |world, _| {
        world.store.calm();
        world.pass_ms(KEPT_MS + 1);
        world.complete(expire_until_done(world.clone()));
        assert!(world.orders().is_empty());
    });
}

#[test]
fn a_client_that_dies_while_it_submits_with_a_key_can_submit_again() {
    let step: Step = |world, line, _, _| {
        async move {
            let key = idempotency(BODY);
            let pause = async |ms| world.clock.sleep(ms).await;
            let submission = world.submission(BODY);
            let _untold = protocol::submit_once(&line, submission, key, world.token(), pause).await;
        }
        .boxed_local()
    };
    die_everywhere(false, step, |world, _| {
        let key = idempotency(BODY);
        let id = world.complete(submit_once_until_accepted(world.clone(), key));
        world.complete(recover(world.clone()));
        let ended = |id: &OrderId| {
            let record = world.record(*id);
            record.idempotency == Some(key) && record.status().is_terminal()
        };
        let ids: Vec<_> = world.orders().into_iter().filter(ended).collect();
        assert_eq!(ids, [id], "one order for the key, and it ended");
    });
}

#[test]
fn a_processor_that_dies_while_it_claims_loses_no_order() {
    let step: Step = |world, line, id, claimant| {
        async move {
            let _untold = claim(&world, &line, id, claimant).await;
        }
        .boxed_local()
    };
    die_everywhere(false, step, completed_unless_store_fails);
}

#[test]
fn a_processor_that_dies_while_it_renews_loses_no_order() {
    let step: Step = |world, line, id, claimant| {
        async move {
            let _untold = renew(&line, id, claimant, Some(0.5), world.token(), world.now()).await;
        }
        .boxed_local()
    };
    die_everywhere(true, step, completed_unless_store_fails);
}

#[test]
fn a_processor_that_dies_while_it_settles_leaves_one_outcome() {
    let steps: [Step; 3] = [
        |world, line, id, claimant| settling(world, line, id, claimant, End::Completed),
        |world, line, id, claimant| settling(world, line, id, claimant, End::Permanent),
        |world, line, id, claimant| settling(world, line, id, claimant, End::Retryable),
    ];
    for step in steps {
        die_everywhere(true, step, |world, id| {
            assert_ne!(world.status(id), Status::Cancelled);
        });
    }
}

fn settling(
    world: World,
    line: Line,
    id: OrderId,
    claimant: Claimant,
    how: End,
) -> LocalBoxFuture<'static, ()> {
    async move {
        let _untold = settle(&world, &line, id, claimant, end(claimant, how)).await;
    }
    .boxed_local()
}

#[test]
fn a_processor_that_dies_anywhere_in_its_attempt_loses_no_order() {
    let step: Step = |world, line, id, _| {
        async move {
            let work = Work {
                ms: LEASE_MS,
                ..SHORT_WORK
            };
            process(&world, &line, id, work).await;
        }
        .boxed_local()
    };
    die_everywhere(false, step, completed_unless_store_fails);
}

#[test]
fn a_processor_that_dies_while_it_tells_of_an_end_leaves_it_to_be_told_once_at_least() {
    let steps: [Step; 2] = [
        |world, line, id, _| {
            async move { drop(process(&world, &line, id, SHORT_WORK).await) }.boxed_local()
        },
        |world, line, id, _| {
            async move {
                let _untold = cancel(&line, id, world.token(), world.now()).await;
                tell(&world, &line, id).await;
            }
            .boxed_local()
        },
    ];
    for step in steps {
        die_everywhere_in(
            |world| world.telling(100),
            false,
            step,
            |world, id| {
                assert!(world.store.inner().heard(id) > 0, "nobody heard of `{id}`");
                assert!(world.has(Key::Ended(id)));
            },
        );
    }
}

#[test]
fn a_client_that_dies_while_it_cancels_leaves_one_outcome() {
    for held in [false, true] {
        let step: Step = |world, line, id, _| {
            async move {
                let _untold = cancel(&line, id, world.token(), world.now()).await;
            }
            .boxed_local()
        };
        die_everywhere(held, step, |world, id| {
            assert!(matches!(
                world.status(id),
                Status::Cancelled | Status::Completed | Status::Failed
            ));
        });
    }
}

#[test]
fn a_host_that_dies_while_it_releases_loses_no_order() {
    let step: Step = |world, line, id, claimant| {
        async move {
            let _untold = release(&line, id, claimant.token, world.token(), world.now()).await;
        }
        .boxed_local()
    };
    die_everywhere(true, step, completed_unless_store_fails);
}

#[test]
fn a_sweeper_that_dies_leaves_the_rest_to_the_next() {
    let step: Step = |world, line, _, _| {
        async move {
            world.clock.sleep(SWEEPS.interval_ms).await;
            let _untold = sweep(&world, &line).await;
        }
        .boxed_local()
    };
    die_everywhere(false, step, completed_unless_store_fails);
}

#[test]
fn an_expiry_that_dies_leaves_nothing_that_stays() {
    under(&Conditions::all(), 1, |origin| {
        for operation in 0..OPERATIONS_MAX {
            let mut died = false;
            for applied in [false, true] {
                let world = origin.again();
                let key = idempotency(BODY);
                let id = world.complete(submit_once_until_accepted(world.clone(), key));
                world.complete(recover(world.clone()));
                world.pass_ms(KEPT_MS + EXPIRY.interval_ms);
                let line = world.connect().dying_at(Death { operation, applied });
                let task = world.clone();
                let expired = mortal(line.life(), async move { expire(&task, &line).await });
                let expired = world.complete(expired);
                died |= expired.is_none();
                let has_turn = !matches!(expired, Some(Ok(ExpiryTurn::NotDue(_))));
                assert!(has_turn || world.conditions.may_fail());

                // What the store is yet to do of a removal is a part of it, and who submits meanwhile may get
                // two orders.
                let is_late = world.conditions.fault == Some(Fault::AppliesAfterReportingFailure);
                if is_late {
                    world.pass_ms(LATE_MS_MAX);
                }
                // Else it may be used again at once, and stands for the new order from then on.
                let again = submit_once_until_accepted(world.clone(), key);
                let again = world.complete(again);
                let same = submit_once_until_accepted(world.clone(), key);
                let same = world.complete(same);
                assert_eq!(same, again);
                world.store.calm();
                world.complete(recover(world.clone()));
                let mut expired = Vec::new();
                for _ in 0..3 {
                    expired.push(world.complete(expire_until_done(world.clone())));
                }
                assert!(
                    again == id || !world.has(Key::Ended(id)),
                    "it died at {operation}: {expired:?}"
                );
                world.pass_ms(KEPT_MS + EXPIRY.interval_ms);
                for _ in 0..2 {
                    world.complete(expire_until_done(world.clone()));
                }
                let mut bids = world.bids();
                // A count that is made after everything was removed is of nobody's bids: it goes with the
                // key's next order.
                if is_late {
                    bids.retain(|key| !matches!(key, Key::Bids(_)));
                }
                assert_eq!((world.orders().len(), bids), (0, vec![]));
            }
            if !died {
                return;
            }
        }
    });
}

/// Where a store fails, attempts may be lost to claims that nobody was told of.
fn completed_unless_store_fails(world: &World, id: OrderId) {
    if !world.conditions.may_fail() {
        assert_eq!(world.status(id), Status::Completed);
    }
}
