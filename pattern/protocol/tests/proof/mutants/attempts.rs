//! Attempts: what a neighbour did is no order's fault, and what was lost is taken up at once where it is
//! known to be lost.

use protocol::{
    BACKOFF_BASE_MS, Claim, ClaimError, Claimant, ErrorCode, Event, IllegalTransition, OrderId,
    Record, Refusal, State, Status, SweepPolicy, SweepTurn, Timestamp, Token, apply, backoff_ms,
};

use super::Mutant;
use super::bounds::{Apply, held, holder};
use crate::support::roles::{End, claim, end, recover, settle, submit, sweep_until_done};
use crate::support::sample::{ATTEMPTS_MAX, LEASE_MS, SWEEPS};
use crate::support::world::World;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an attempt counts as alone, whoever is in its instance",
        breaks: "no order fails for what a neighbour did",
        test: || {
            innocents_do_not_fail(|claimant| Claimant {
                alone: true,
                ..claimant
            });
        },
    },
    Mutant {
        name: "a renewal takes the lease's end as the holder's clock says it",
        breaks: "a clock that is set back takes no lease away",
        test: || a_renewal_never_shortens_a_lease(as_the_clock_says),
    },
    Mutant {
        name: "delays grow to a minute and no further",
        breaks: "an order is tried for hours",
        test: || {
            retries_last_for_hours(|attempt, random| {
                backoff_ms(attempt, random) % (60 * BACKOFF_BASE_MS)
            });
        },
    },
    Mutant {
        name: "a host does not say in whose time it claims",
        breaks: "after a restart what was lost is taken up at once",
        test: || a_new_tenure_takes_up_what_the_old_one_held(|_| None),
    },
];

/// Three innocents and one that traps its instance, again and again, until all has ended.
fn innocents_do_not_fail(as_told: fn(Claimant) -> Claimant) {
    const INNOCENTS: usize = 3;
    let world = World::calm();
    let ids: Vec<_> = (0..=INNOCENTS)
        .map(|_| world.complete(submit(world.clone())))
        .collect();
    let (poison, innocents) = ids.split_first().expect("four orders");
    for _ in 0..20 {
        let due = world.complete(sweep_until_done(world.clone())).due;
        world.complete(run_in_one_instance(world.clone(), due, *poison, as_told));
        world.pass_ms(LEASE_MS);
    }
    let failure = |id: &OrderId| world.record(*id).latest_error().map(|error| error.code);
    assert_eq!(world.status(*poison), Status::Failed);
    assert_eq!(failure(poison), Some(ErrorCode::LeaseExpired));
    for id in innocents {
        assert_eq!(
            failure(id),
            Some(ErrorCode::Permanent),
            "an innocent failed"
        );
    }
}

/// Works on orders together; then on those that must be alone, one after the other.
async fn run_in_one_instance(
    world: World,
    due: Vec<OrderId>,
    poison: OrderId,
    as_told: fn(Claimant) -> Claimant,
) {
    let line = world.connect();
    let mut company = Vec::new();
    let mut lonely = Vec::new();
    for id in due {
        let claimant = as_told(Claimant {
            alone: false,
            ..world.claimant()
        });
        match claim(&world, &line, id, claimant).await {
            Ok(_) => company.push((id, claimant)),
            Err(ClaimError::Unavailable(IllegalTransition {
                refusal: Refusal::NotAlone,
                ..
            })) => lonely.push(id),
            Err(_) => {}
        }
    }
    // Who traps takes all with it.
    if company.iter().all(|(id, _)| *id != poison) {
        for (id, claimant) in company {
            end_by_itself(&world, id, claimant).await;
        }
    }
    for id in lonely {
        let claimant = world.claimant();
        if claim(&world, &line, id, claimant).await.is_ok() && id != poison {
            end_by_itself(&world, id, claimant).await;
        }
    }
}

async fn end_by_itself(world: &World, id: OrderId, claimant: Claimant) {
    let line = world.connect();
    let settled = settle(world, &line, id, claimant, end(claimant, End::Permanent)).await;
    settled.expect("it is held");
}

#[test]
fn an_order_does_not_fail_for_what_its_neighbour_did() {
    innocents_do_not_fail(|claimant| claimant);
}

#[test]
fn what_was_lost_in_company_is_claimed_alone_or_not_at_all() {
    let world = World::calm();
    let task = world.clone();
    world.complete(async move {
        let world = task;
        let id = submit(world.clone()).await;
        for attempt in 1..=ATTEMPTS_MAX + 1 {
            let in_company = Claimant {
                alone: false,
                ..world.claimant()
            };
            let line = world.connect();
            match claim(&world, &line, id, in_company).await {
                Ok(_) => assert_eq!(attempt, 1),
                Err(ClaimError::Unavailable(refused)) => {
                    assert_eq!(refused.refusal, Refusal::NotAlone);
                    let held = claim(&world, &line, id, world.claimant()).await;
                    assert_eq!(held.expect("alone").record.attempt, attempt);
                }
                // The last was lost alone.
                Err(ClaimError::Exhausted(_)) => assert_eq!(attempt, ATTEMPTS_MAX + 1),
                Err(error) => panic!("{error}"),
            }
            world.clock.sleep(LEASE_MS).await;
        }
    });
}

fn as_the_clock_says(
    record: &Record,
    event: &Event,
    now: Timestamp,
) -> Result<Record, IllegalTransition> {
    let mut next = apply(record, event, now)?;
    if let (State::Processing { claim, .. }, Event::Renewed { claim: renewed, .. }) =
        (&mut next.state, event)
    {
        *claim = *renewed;
    }
    Ok(next)
}

fn a_renewal_never_shortens_a_lease(apply: Apply) {
    let (_, record) = held();
    let claim = holder(&record);
    for off_ms in [0_i64, -5_000, -90_000, -3_600_000] {
        let now = record.updated_at.as_unix_ms().saturating_add_signed(off_ms);
        let now = Timestamp::from_unix_ms(now);
        let renewed = Event::Renewed {
            claim: Claim {
                lease_until: now.plus_ms(LEASE_MS),
                ..claim
            },
            progress: None,
        };
        let next = apply(&record, &renewed, now).expect("held");
        assert!(holder(&next).lease_until >= claim.lease_until);
    }
}

#[test]
fn a_clock_that_is_set_back_takes_no_lease_away() {
    a_renewal_never_shortens_a_lease(apply);
}

/// The sum of the delays of an order that fails again and again, on average.
fn retries_last_for_hours(backoff_ms: fn(u32, u64) -> u64) {
    const ATTEMPTS: u32 = 20;
    const RUNS: u64 = 500;
    const HOUR_MS: u64 = 3_600_000;
    let random = crate::support::random::Random::new(1);
    let mut sum_ms = 0;
    for _ in 0..RUNS {
        for attempt in 1..ATTEMPTS {
            let delay_ms = backoff_ms(attempt, random.number());
            assert!(delay_ms <= HOUR_MS);
            sum_ms += delay_ms;
        }
    }
    assert!(
        sum_ms / RUNS >= 3 * HOUR_MS,
        "tried for {} ms",
        sum_ms / RUNS
    );
}

#[test]
fn an_order_that_fails_is_tried_for_hours() {
    retries_last_for_hours(backoff_ms);
}

/// What a host held that has ended is due for the next at once; what it holds itself is not.
fn a_new_tenure_takes_up_what_the_old_one_held(tenure: fn(u8) -> Option<Token>) {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    for number in 1..=2 {
        let policy = SweepPolicy {
            tenure: tenure(number),
            ..SWEEPS
        };
        let task = world.clone();
        world.complete(async move {
            let world = task;
            let line = world.connect();
            if number == 2 {
                let turn = protocol::sweep(&line, policy, world.token(), world.now()).await;
                let Ok(SweepTurn::Taken(swept)) = turn else {
                    panic!("a new tenure sweeps at once: {turn:?}")
                };
                assert_eq!(swept.due, [id]);
            }
            let claimant = Claimant {
                tenure: policy.tenure,
                ..world.claimant()
            };
            let claimed = claim(&world, &line, id, claimant).await;
            let record = claimed.expect("the old one's claim is dead").record;
            assert_eq!(record.attempt, u32::from(number));
            let other = Claimant {
                token: world.token(),
                ..claimant
            };
            let again = claim(&world, &line, id, other).await;
            assert!(
                matches!(again, Err(ClaimError::Unavailable(_))),
                "it is held"
            );
            if number == 1 {
                let turn = protocol::sweep(&line, policy, world.token(), world.now()).await;
                assert!(matches!(turn, Ok(SweepTurn::Taken(swept)) if swept.due.is_empty()));
            }
        });
    }
    world.complete(recover(world.clone()));
    assert!(world.status(id).is_terminal());
}

#[test]
fn after_a_restart_what_was_held_is_taken_up_at_once() {
    a_new_tenure_takes_up_what_the_old_one_held(|number| Some(Token::new([number; 16])));
}
