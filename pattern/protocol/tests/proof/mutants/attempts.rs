//! Attempts: what a neighbour did is no order's fault, what was lost is taken up at once where it is known
//! to be lost, and whatever an attempt reports can be recorded.

use protocol::{
    ATTEMPTS_KEPT_MAX, AttemptEnd, AttemptError, BACKOFF_BASE_MS, Claim, ClaimError, Claimant,
    DETAILS_BYTES_MAX, ErrorCode, Event, IllegalTransition, MESSAGE_BYTES_MAX, Order, OrderId,
    RESULT_BYTES_MAX, Record, Refusal, State, Status, SweepPolicy, SweepTurn, Timestamp, Token,
    apply, backoff_ms,
};
use serde_json::value::RawValue;

use super::Mutant;
use crate::support::roles::{End, claim, end, hold, recover, settle, submit, sweep_until_done};
use crate::support::sample::{ATTEMPTS_MAX, LEASE_MS, START, SWEEPS};
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
        name: "a result is recorded however large it is",
        breaks: "a result that is too large is a failure that says so",
        test: || an_oversized_result_is_a_failure(whatever_the_size),
    },
    Mutant {
        name: "messages are kept whole",
        breaks: "every record fits what stores allow",
        test: || the_largest_record_fits(whole_messages),
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

/// What has an order decided, as [`apply`] does.
type Apply = fn(&Record, &Event, Timestamp) -> Result<Record, IllegalTransition>;

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

/// An order that is held, as a record.
fn held() -> (World, Record) {
    let world = World::calm();
    let task = world.clone();
    let id = world.complete(async move {
        let id = submit(task.clone()).await;
        hold(&task, id).await.expect("a pending order");
        id
    });
    let record = world.record(id);
    (world, record)
}

fn holder(record: &Record) -> Claim {
    match &record.state {
        State::Processing { claim, .. } => *claim,
        _ => panic!("it is held"),
    }
}

fn completed(record: &Record, result_bytes: usize) -> Event {
    let result = Some(json_of(result_bytes));
    Event::Ended {
        token: holder(record).token,
        end: AttemptEnd::Completed { result },
    }
}

/// JSON of that many bytes.
fn json_of(bytes: usize) -> Box<RawValue> {
    RawValue::from_string(format!("\"{}\"", "x".repeat(bytes - 2))).expect("a string")
}

fn whatever_the_size(
    record: &Record,
    event: &Event,
    now: Timestamp,
) -> Result<Record, IllegalTransition> {
    match event {
        Event::Ended {
            end: AttemptEnd::Completed { result },
            token,
        } => {
            let end = AttemptEnd::Completed { result: None };
            let mut next = apply(record, &Event::Ended { token: *token, end }, now)?;
            next.state = State::Completed {
                at: now,
                result: result.clone(),
            };
            Ok(next)
        }
        _ => apply(record, event, now),
    }
}

fn an_oversized_result_is_a_failure(apply: Apply) {
    let (_, record) = held();
    let fits = apply(&record, &completed(&record, RESULT_BYTES_MAX), START).expect("held");
    assert_eq!(fits.status(), Status::Completed);
    let over = apply(&record, &completed(&record, RESULT_BYTES_MAX + 1), START).expect("held");
    let failure = over.latest_error().expect("it is too large");
    assert_eq!(
        (over.status(), failure.code),
        (Status::Failed, ErrorCode::Permanent)
    );
    for size in [RESULT_BYTES_MAX, RESULT_BYTES_MAX + 1] {
        assert!(
            failure.message.contains(&size.to_string()),
            "{}",
            failure.message
        );
    }
}

#[test]
fn a_result_that_is_too_large_is_a_failure_that_says_so() {
    an_oversized_result_is_a_failure(apply);
}

#[test]
fn a_message_that_is_too_long_is_cut_and_says_so() {
    let (_, record) = held();
    let token = holder(&record).token;
    for char in ["x", "é", "\u{1}", "\"", "😀"] {
        let message = char.repeat(MESSAGE_BYTES_MAX);
        let bytes = message.len();
        let end = AttemptEnd::Permanent {
            error: message.into(),
        };
        let failed = apply(&record, &Event::Ended { token, end }, START).expect("held");
        let kept = failed.latest_error().expect("it failed").message;
        if bytes == MESSAGE_BYTES_MAX && char == "x" {
            assert_eq!(kept.len(), bytes);
        } else {
            assert!(kept.ends_with(&format!("(cut off; {bytes} bytes in all)")));
            let json = serde_json::to_string(&kept).expect("JSON");
            assert!(
                json.len() <= MESSAGE_BYTES_MAX + 60,
                "{char:?}: {}",
                json.len()
            );
        }
    }
}

fn whole_messages(
    record: &Record,
    event: &Event,
    now: Timestamp,
) -> Result<Record, IllegalTransition> {
    let mut next = apply(record, event, now)?;
    if let Event::Ended {
        end: AttemptEnd::Retryable { error, .. },
        ..
    } = event
        && let Some(attempt) = next.attempts.last_mut()
    {
        attempt.error = Some(error.message.clone());
    }
    Ok(next)
}

/// The largest order, with the longest history of the longest messages, and the largest result.
fn the_largest_record_fits(apply: Apply) {
    const ORDER_BYTES_MAX: usize = 700_000;
    const VALUE_BYTES_MAX: usize = 1024 * 1024;
    for char in ["x", "\"", "\u{1}", "\u{7f}", "é"] {
        let (world, record) = held();
        let mut order =
            r#"{"customer":"Ada","items":[{"name":"tea","quantity":1}],"note":""#.to_owned();
        order.extend(std::iter::repeat_n('x', ORDER_BYTES_MAX - order.len() - 2));
        order.push_str("\"}");
        let mut record = Record {
            order: Order::parse(order.as_bytes()).expect("a large order"),
            owner: Some("o".repeat(256)),
            traceparent: Some("0".repeat(55)),
            max_attempts: u32::MAX,
            ..record
        };
        for _ in 0..ATTEMPTS_KEPT_MAX + 5 {
            let end = AttemptEnd::Retryable {
                error: largest_error(char),
                delay_ms: 0,
            };
            let token = holder(&record).token;
            record = apply(&record, &Event::Ended { token, end }, START).expect("held");
            let claim = Claim {
                token: world.token(),
                lease_until: START.plus_ms(LEASE_MS),
                tenure: Some(world.token()),
            };
            record = apply(&record, &Event::Claimed { claim, alone: true }, START).expect("due");
        }
        let partial = Event::Ended {
            token: holder(&record).token,
            end: AttemptEnd::Partial {
                error: largest_error(char),
                result: json_of(RESULT_BYTES_MAX),
            },
        };
        for event in [completed(&record, RESULT_BYTES_MAX), partial] {
            let ended = apply(&record, &event, START).expect("held");
            assert_eq!(ended.attempts.len(), ATTEMPTS_KEPT_MAX);
            let bytes = ended.to_json().len();
            assert!(
                bytes < VALUE_BYTES_MAX,
                "{char:?}: a record of {bytes} bytes"
            );
        }
    }
}

fn largest_error(char: &str) -> AttemptError {
    AttemptError {
        message: char.repeat(100_000),
        details: Some(json_of(DETAILS_BYTES_MAX)),
    }
}

#[test]
fn what_a_failed_attempt_tells_is_kept_within_bounds() {
    let (_, record) = held();
    let token = holder(&record).token;
    for (bytes, is_kept) in [(DETAILS_BYTES_MAX, true), (DETAILS_BYTES_MAX + 1, false)] {
        let error = AttemptError {
            message: "no".to_owned(),
            details: Some(json_of(bytes)),
        };
        for end in [
            AttemptEnd::Permanent {
                error: error.clone(),
            },
            AttemptEnd::Partial {
                error: error.clone(),
                result: json_of(10),
            },
            AttemptEnd::Retryable { error, delay_ms: 0 },
        ] {
            let ended = apply(&record, &Event::Ended { token, end }, START).expect("held");
            assert_eq!(ended.error_details.is_some(), is_kept, "{bytes}");
            assert_eq!(ended.latest_error().expect("it failed").message, "no");
        }
    }
    for (bytes, code) in [
        (RESULT_BYTES_MAX, ErrorCode::Partial),
        (RESULT_BYTES_MAX + 1, ErrorCode::Permanent),
    ] {
        let end = AttemptEnd::Partial {
            error: "no".to_owned().into(),
            result: json_of(bytes),
        };
        let ended = apply(&record, &Event::Ended { token, end }, START).expect("held");
        assert_eq!(ended.latest_error().expect("it failed").code, code);
        let State::Failed { result, .. } = ended.state else {
            panic!("it failed")
        };
        assert_eq!(result.is_some(), code == ErrorCode::Partial);
    }
}

#[test]
fn the_largest_order_with_the_longest_history_can_be_settled() {
    the_largest_record_fits(apply);
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
