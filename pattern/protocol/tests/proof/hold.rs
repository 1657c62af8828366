//! While a claim holds: renewal, release, and what becomes of who comes too late.

use protocol::{
    ClaimError, Claimant, OrderId, RenewError, SettleError, State, Status, release, renew,
};

use crate::support::conditions::under_all_conditions;
use crate::support::fault::Fault;
use crate::support::roles::{End, SHORT_WORK, Work, claim, end, hold, process, settle, submit};
use crate::support::sample::LEASE_MS;
use crate::support::world::{Line, World};

/// Submits an order and holds it.
async fn held(world: &World) -> (OrderId, Claimant) {
    let id = submit(world.clone()).await;
    (id, hold(world, id).await.expect("a pending order"))
}

#[test]
fn a_renewed_lease_keeps_others_away_for_as_long_as_the_work_takes() {
    under_all_conditions(5, |world| {
        let task = world.clone();
        world.complete(async move {
            let world = task;
            let (id, claimant) = held(&world).await;
            world.store.calm();
            let line = world.connect();
            for _ in 0..5 {
                world.clock.sleep(LEASE_MS - 1_000).await;
                let renewed = renew(&line, id, claimant, None, world.token(), world.now()).await;
                assert!(renewed.is_ok());
                let other = claim(&world, &line, id, world.claimant()).await;
                assert!(matches!(other, Err(ClaimError::Unavailable(_))));
            }
        });
    });
}

#[test]
fn a_renewal_stores_progress_that_never_goes_back() {
    under_all_conditions(5, |world| {
        let task = world.clone();
        world.complete(async move {
            let world = task;
            let (id, claimant) = held(&world).await;
            world.store.calm();
            let line = world.connect();
            for (told, stored) in [(0.5, 0.5), (0.25, 0.5), (7.0, 1.0), (f64::NAN, 1.0)] {
                let now = world.now();
                let record = renew(&line, id, claimant, Some(told), world.token(), now).await;
                let State::Processing { progress, .. } = record.expect("held").state else {
                    panic!("it is being processed")
                };
                assert_eq!(progress, Some(stored));
            }
        });
    });
}

#[test]
fn who_was_taken_over_neither_renews_nor_releases_nor_settles() {
    under_all_conditions(10, |world| {
        let task = world.clone();
        let (id, second) = world.complete(async move {
            let world = task;
            let (id, first) = held(&world).await;
            // The first lives on, but does not renew.
            world.clock.sleep(LEASE_MS).await;
            let second = hold(&world, id).await.expect("its lease has run out");
            let line = world.connect();
            let (write, now) = (world.token(), world.now());
            let renewed = renew(&line, id, first, None, write, now).await;
            assert!(matches!(
                renewed,
                Err(RenewError::Lost(_) | RenewError::Store(_))
            ));
            let released = release(&line, id, first.token, world.token(), now).await;
            assert!(matches!(
                released,
                Err(RenewError::Lost(_) | RenewError::Store(_))
            ));
            let settled = settle(&world, &line, id, first, end(first, End::Permanent)).await;
            assert!(matches!(
                settled,
                Err(SettleError::Dropped(_) | SettleError::Store(_))
            ));
            (id, second)
        });
        let record = world.record(id);
        let State::Processing { claim, .. } = &record.state else {
            panic!("it is still being processed")
        };
        assert_eq!(
            claim.token, second.token,
            "what the first did changed nothing"
        );
        assert!(record.attempt >= 2);
    });
}

#[test]
fn a_stale_processor_that_races_its_successor_never_overwrites_its_outcome() {
    under_all_conditions(20, |world| {
        let task = world.clone();
        let (id, first, second) = world.complete(async move {
            let world = task;
            let (id, first) = held(&world).await;
            world.clock.sleep(LEASE_MS).await;
            (id, first, hold(&world, id).await)
        });
        let Ok(second) = second else {
            // The store failed so often that no attempt was left.
            assert_eq!(world.status(id), Status::Failed);
            return;
        };
        for claimant in [first, second] {
            let world = world.clone();
            world.clone().spawn(async move {
                let line = world.connect();
                settle(&world, &line, id, claimant, end(claimant, End::Completed)).await
            });
        }
        world.run();
        // Each outcome has its author's token in it, and the audit compares it with the holder's.
        let record = world.record(id);
        if world.conditions.fault.is_none() {
            assert_eq!(record.status(), Status::Completed);
        }
        let outcome = record
            .attempts
            .iter()
            .find(|attempt| attempt.token == first.token);
        assert_eq!(
            outcome.and_then(|attempt| attempt.outcome),
            Some(protocol::AttemptOutcome::LeaseExpired)
        );
    });
}

#[test]
fn a_released_attempt_does_not_count_and_the_order_is_free_at_once() {
    under_all_conditions(10, |world| {
        let task = world.clone();
        let id = world.complete(async move {
            let world = task;
            let (id, claimant) = held(&world).await;
            let before = world.record(id).attempt;
            world.store.calm();
            let line = world.connect();
            let stranger = release(&line, id, world.token(), world.token(), world.now()).await;
            assert!(matches!(stranger, Err(RenewError::Lost(_))));

            let released = release(&line, id, claimant.token, world.token(), world.now()).await;
            assert_eq!(released.expect("held").attempt, before - 1);
            let settled = settle(&world, &line, id, claimant, end(claimant, End::Completed)).await;
            assert!(
                matches!(settled, Err(SettleError::Dropped(_))),
                "it holds it no more"
            );
            let again = claim(&world, &line, id, world.claimant()).await;
            assert_eq!(again.expect("free at once").record.attempt, before);
            id
        });
        assert_eq!(world.status(id), Status::Processing);
    });
}

#[test]
fn an_outcome_that_was_written_but_reported_failed_is_recognised() {
    // The operations of an attempt without renewal: three of the claim, and the snapshot.
    const SETTLES_BY_SWAP: usize = 4;
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let fault = Fault::AppliesAndReportsFailure;
    let line: Line = world.connect().struck_at(SETTLES_BY_SWAP, fault);
    let task = world.clone();
    let settled = world.complete(async move { process(&task, &line, id, SHORT_WORK).await });
    assert!(settled.expect("claimed").is_ok());
    assert_eq!(world.status(id), Status::Completed);
    assert_eq!(world.record(id).revision, 3, "it was written once");
    assert_eq!(world.open(), [], "and the order is closed");
}

#[test]
fn work_that_outlasts_its_lease_is_settled_by_who_began_it() {
    under_all_conditions(5, |world| {
        let id = world.complete(submit(world.clone()));
        world.store.calm();
        let long = Work {
            ms: 10 * LEASE_MS,
            end: End::Completed,
        };
        let task = world.clone();
        let settled =
            world.complete(async move { process(&task, &task.connect(), id, long).await });
        assert!(settled.expect("claimed").is_ok());
        assert_eq!(
            (world.status(id), world.record(id).attempt),
            (Status::Completed, 1)
        );
    });
}
