//! Bounds: whatever an attempt reports can be recorded, and the largest record fits what stores allow.

use protocol::{
    ATTEMPTS_KEPT_MAX, AttemptEnd, AttemptError, Claim, DETAILS_BYTES_MAX, ErrorCode, Event,
    IllegalTransition, MESSAGE_BYTES_MAX, Order, RESULT_BYTES_MAX, Record, State, Status,
    Timestamp, apply,
};
use serde_json::value::RawValue;

use super::Mutant;
use crate::support::roles::{hold, submit};
use crate::support::sample::{LEASE_MS, START};
use crate::support::world::World;

pub(super) const MUTANTS: &[Mutant] = &[
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
];

/// What has an order decided, as [`apply`] does.
pub(super) type Apply = fn(&Record, &Event, Timestamp) -> Result<Record, IllegalTransition>;

/// An order that is held, as a record.
pub(super) fn held() -> (World, Record) {
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

pub(super) fn holder(record: &Record) -> Claim {
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
