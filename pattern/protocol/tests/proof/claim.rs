//! Claims: of all who race, one holds the order, for one attempt.

use protocol::{AttemptOutcome, ClaimError, ErrorCode, Refusal, Status};

use crate::support::conditions::{Conditions, under_all_conditions};
use crate::support::fault::{Fault, Quirk};
use crate::support::roles::{End, claim, end, hold, settle, submit};
use crate::support::sample::{ATTEMPTS_MAX, LEASE_MS};
use crate::support::world::World;

const CLAIMANTS: usize = 8;

#[test]
fn of_many_who_race_to_claim_one_holds_the_order() {
    under_all_conditions(20, |world| {
        let id = world.complete(submit(world.clone()));
        let claims: Vec<_> = (0..CLAIMANTS)
            .map(|_| {
                let world = world.clone();
                world.clone().spawn(async move {
                    let claimant = world.claimant();
                    let claimed = claim(&world, &world.connect(), id, claimant).await;
                    (claimant, claimed)
                })
            })
            .collect();
        world.run();
        let (holders, others): (Vec<_>, Vec<_>) = claims
            .into_iter()
            .map(|claim| claim.take())
            .partition(|(_, claimed)| claimed.is_ok());
        assert!(holders.len() <= 1, "{} hold the order", holders.len());
        let in_doubt = |claimed: &Result<_, _>| matches!(claimed, Err(ClaimError::Store(_)));
        if holders.is_empty() {
            assert!(others.iter().any(|(_, claimed)| in_doubt(claimed)));
        }
        if let Some((holder, _)) = holders.first() {
            let record = world.record(id);
            assert_eq!(
                record.attempts.last().map(|attempt| attempt.token),
                Some(holder.token)
            );
            assert_eq!((record.status(), record.attempt), (Status::Processing, 1));
        }
    });
}

#[test]
fn a_held_order_is_not_claimed_until_its_lease_has_run_out() {
    under_all_conditions(5, |world| {
        let id = world.complete(submit(world.clone()));
        let task = world.clone();
        world.complete(async move {
            let world = task;
            let first = hold(&world, id).await.expect("a pending order");
            world.store.calm();
            let held_until = world.record(id).claimable_at().expect("it is open");
            let second = claim(&world, &world.connect(), id, world.claimant()).await;
            let refusal = refusal(&second.expect_err("it is held"));
            assert_eq!(refusal, Some(Refusal::Held { until: held_until }));

            world.clock.sleep(LEASE_MS).await;
            let held = claim(&world, &world.connect(), id, world.claimant()).await;
            let record = held.expect("the lease has run out").record;
            let lapsed = record
                .attempts
                .iter()
                .find(|attempt| attempt.token == first.token);
            assert_eq!(
                lapsed.and_then(|attempt| attempt.outcome),
                Some(AttemptOutcome::LeaseExpired)
            );
        });
    });
}

#[test]
fn an_order_that_kills_each_processor_fails_with_its_history() {
    under_all_conditions(5, |world| {
        let id = world.complete(submit(world.clone()));
        let task = world.clone();
        world.complete(async move {
            let world = task;
            loop {
                match hold(&world, id).await {
                    // The processor dies here.
                    Ok(_) => world.clock.sleep(LEASE_MS).await,
                    Err(ClaimError::Exhausted(_)) => return,
                    // Settled as failed by a write whose author was not told.
                    Err(ClaimError::Unavailable(refused)) => {
                        assert_eq!(refused.refusal, Refusal::Terminal);
                        return;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let record = world.record(id);
        assert_eq!(record.status(), Status::Failed);
        assert_eq!(
            record.latest_error().map(|error| error.code),
            Some(ErrorCode::LeaseExpired)
        );
        assert_eq!(record.attempt, ATTEMPTS_MAX);
        let outcomes: Vec<_> = record
            .attempts
            .iter()
            .map(|attempt| attempt.outcome)
            .collect();
        assert_eq!(
            outcomes,
            [Some(AttemptOutcome::LeaseExpired); ATTEMPTS_MAX as usize]
        );
    });
}

#[test]
fn an_order_is_not_claimed_before_its_next_attempt_is_due() {
    under_all_conditions(5, |world| {
        let id = world.complete(submit(world.clone()));
        let task = world.clone();
        world.complete(async move {
            let world = task;
            let claimant = hold(&world, id).await.expect("a pending order");
            world.store.calm();
            let end = end(claimant, End::Retryable);
            let settled = settle(&world, &world.connect(), id, claimant, end).await;
            let due = settled.expect("held").claimable_at().expect("open");
            let early = claim(&world, &world.connect(), id, world.claimant()).await;
            assert_eq!(
                refusal(&early.expect_err("early")),
                Some(Refusal::NotDue { at: due })
            );
            world.clock.sleep(due.ms_since(world.now())).await;
            let on_time = claim(&world, &world.connect(), id, world.claimant()).await;
            assert_eq!(on_time.expect("due").record.status(), Status::Processing);
        });
    });
}

#[test]
fn a_claim_that_was_written_but_reported_failed_is_recognised() {
    // The operations of a claim: snapshot, swap, and the read-back.
    const SWAP: usize = 1;
    for (fault, quirk) in [
        (Some(Fault::AppliesAndReportsFailure), None),
        (None, Some(Quirk::RedisSwapAlwaysReportsFailure)),
    ] {
        let world = World::new(Conditions::of(quirk), 0);
        let id = world.complete(submit(world.clone()));
        let claimant = world.claimant();
        let mut line = world.connect();
        if let Some(fault) = fault {
            line = line.struck_at(SWAP, fault);
        }
        let task = world.clone();
        let claimed = world.complete(async move { claim(&task, &line, id, claimant).await });
        assert_eq!(claimed.expect("the write is there").record.attempt, 1);
        assert_eq!(world.record(id).revision, 2, "it was written once");
    }
}

#[test]
fn a_claim_that_was_not_written_but_reported_done_is_made_again() {
    const SWAP: usize = 1;
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let line = world
        .connect()
        .struck_at(SWAP, Fault::RefusesAndReportsSuccess);
    let task = world.clone();
    let claimed = world.complete(async move { claim(&task, &line, id, task.claimant()).await });
    assert!(claimed.is_ok());
    assert_eq!(world.status(id), Status::Processing);
}

#[test]
fn a_claim_whose_read_back_fails_is_recognised_by_the_next_read() {
    const READS_BACK: usize = 2;
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let line = world
        .connect()
        .struck_at(READS_BACK, Fault::FailsBeforeApplying);
    let task = world.clone();
    let claimed = world.complete(async move { claim(&task, &line, id, task.claimant()).await });
    assert!(claimed.is_ok());
    assert_eq!(world.record(id).revision, 2, "it was written once");
}

fn refusal(error: &ClaimError) -> Option<Refusal> {
    match error {
        ClaimError::Unavailable(refused) => Some(refused.refusal),
        _ => None,
    }
}
