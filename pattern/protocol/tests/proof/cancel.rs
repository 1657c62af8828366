//! Cancellation: it is final, whatever still runs.

use protocol::{AttemptOutcome, RenewError, Status, renew};

use crate::support::conditions::under_all_conditions;
use crate::support::roles::{
    End, SHORT_WORK, cancel_until_told, claim, end, hold, process, settle, submit,
};
use crate::support::scheduler::pass;

#[test]
fn a_cancelled_order_stays_cancelled_and_the_late_outcome_is_noted() {
    under_all_conditions(10, |world| {
        let task = world.clone();
        let id = world.complete(async move {
            let world = task;
            let id = submit(world.clone()).await;
            let claimant = hold(&world, id).await.expect("a pending order");
            world.store.calm();
            let line = world.connect();
            cancel_until_told(&world, id).await.expect("it is open");

            let renewed = renew(&line, id, claimant, None, world.token(), world.now()).await;
            assert!(
                matches!(renewed, Err(RenewError::Lost(_))),
                "so the work learns of it"
            );
            let settled = settle(&world, &line, id, claimant, end(claimant, End::Completed)).await;
            assert_eq!(settled.expect("noted").status(), Status::Cancelled);
            let again = settle(&world, &line, id, claimant, end(claimant, End::Completed)).await;
            assert!(again.is_err(), "it is noted once");
            assert!(claim(&world, &line, id, world.claimant()).await.is_err());
            id
        });
        let record = world.record(id);
        let attempt = record.attempts.last().expect("one attempt");
        assert_eq!(record.status(), Status::Cancelled);
        assert_eq!(attempt.outcome, Some(AttemptOutcome::Cancelled));
        assert!(attempt.late_outcome_at.is_some());
        assert!(!world.open().contains(&id));
    });
}

#[test]
fn a_cancellation_that_races_the_outcome_is_told_the_truth() {
    under_all_conditions(60, |world| {
        let id = world.complete(submit(world.clone()));
        let cancelled = {
            let world = world.clone();
            world.clone().spawn(async move {
                for _ in 0..world.random.below(12) {
                    pass().await;
                }
                cancel_until_told(&world, id).await
            })
        };
        let task = world.clone();
        world.spawn(async move {
            let claimant = task.claimant();
            let line = task.connect();
            if claim(&task, &line, id, claimant).await.is_ok() {
                let _either =
                    settle(&task, &line, id, claimant, end(claimant, End::Completed)).await;
            }
        });
        world.run();
        let told = cancelled.take();
        let status = world.status(id);
        assert_eq!(
            told.is_ok(),
            status == Status::Cancelled,
            "told {told:?}, is {status:?}"
        );
    });
}

#[test]
fn nobody_works_on_an_order_that_was_cancelled_before_its_dispatch() {
    under_all_conditions(5, |world| {
        let task = world.clone();
        let id = world.complete(async move {
            let id = submit(task.clone()).await;
            cancel_until_told(&task, id).await.expect("it is open");
            assert!(
                process(&task, &task.connect(), id, SHORT_WORK)
                    .await
                    .is_none()
            );
            id
        });
        assert_eq!(
            (world.status(id), world.record(id).attempt),
            (Status::Cancelled, 0)
        );
    });
}
