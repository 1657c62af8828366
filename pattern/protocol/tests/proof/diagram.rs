//! The state machine as it is documented and as it is: the edges that documents list are
//! exactly those that [`protocol::apply`] takes, and all else is refused, for a reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protocol::{
    AttemptEnd, AttemptError, Claim, DeliveryEnd, Event, Notification, NotificationOutcome,
    NotificationStatus, Record, Refusal, Settled, State, Status, TELLING_MS_MAX, Timestamp, Token,
    apply,
};
use serde_json::value::to_raw_value;

use crate::support::roles::submit;
use crate::support::world::World;

/// The documents that list the edges, from the crate's directory.
const DOCUMENTS: [&str; 1] = ["src/transition.rs"];

/// When every event happens.
const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
const PAST: Timestamp = Timestamp::from_unix_ms(1_799_999_999_000);
const FUTURE: Timestamp = Timestamp::from_unix_ms(1_800_000_001_000);

const ATTEMPTS_MAX: u32 = 3;

/// From a status to a status, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    cause: String,
    to: String,
}

/// The edges that a document lists, one on a line: `from --cause--> to`.
fn documented(document: &str) -> BTreeSet<Edge> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{document}`: {error}"));
    text.lines()
        .filter_map(|line| {
            let (from, rest) = line.trim_start_matches("///").split_once(" --")?;
            let (cause, to) = rest.split_once("--> ")?;
            let [from, cause, to] = [from, cause, to].map(|part| part.trim().to_owned());
            Some(Edge { from, cause, to })
        })
        // Not the arrows of the picture.
        .filter(|edge| edge.from != "(none)" && !edge.cause.starts_with('-'))
        .collect()
}

/// Every kind of record that [`apply`] tells apart, as made from one that was accepted.
fn records() -> Vec<Record> {
    let world = World::calm();
    let id = world.complete(submit(world.clone()));
    let pending = Record {
        max_attempts: ATTEMPTS_MAX,
        updated_at: PAST,
        ..world.record(id)
    };
    let with = |state| Record {
        state,
        ..pending.clone()
    };
    let due_at = |at| {
        with(State::Pending {
            next_attempt_at: at,
        })
    };
    let candidate = Record {
        candidate: true,
        ..due_at(None)
    };
    let mut records = vec![
        candidate,
        due_at(None),
        due_at(Some(PAST)),
        due_at(Some(FUTURE)),
    ];
    for (attempt, alone) in [
        (1, false),
        (1, true),
        (ATTEMPTS_MAX, false),
        (ATTEMPTS_MAX, true),
    ] {
        for lease_until in [PAST, FUTURE] {
            let claimed = claimed(&pending, attempt, alone, lease_until);
            let ends = ends().map(|end| Event::Ended {
                token: holder(),
                end,
            });
            let lost = [Event::LeaseExpired, Event::Cancelled];
            let ended = ends.iter().chain(&lost);
            records.extend(ended.filter_map(|event| apply(&claimed, event, PAST).ok()));
            records.push(claimed);
        }
    }
    let told_of = records.iter().flat_map(|record| {
        notifications().map(|notification| Record {
            notification: Some(Box::new(notification)),
            ..record.clone()
        })
    });
    let told_of: Vec<_> = told_of.collect();
    // Those that ended so long ago that nothing more is told of them than once.
    let old = told_of.iter().filter_map(|record| {
        let long_ago = Timestamp::from_unix_ms(NOW.as_unix_ms() - TELLING_MS_MAX - 1);
        let mut record = record.clone();
        match &mut record.state {
            State::Completed { at, .. } | State::Failed { at, .. } | State::Cancelled { at } => {
                *at = long_ago;
            }
            State::Pending { .. } | State::Processing { .. } => return None,
        }
        Some(record)
    });
    let old: Vec<_> = old.collect();
    records.into_iter().chain(told_of).chain(old).collect()
}

/// Every kind of notification that [`apply`] tells apart.
fn notifications() -> [Notification; 6] {
    let fresh = Notification::default();
    let failed = |next_at| Notification {
        deliveries: 1,
        next_at: Some(next_at),
        ..fresh.clone()
    };
    let under_way = |until| Notification {
        delivery: Some(holder()),
        ..failed(until)
    };
    let settled = Notification {
        settled: Some(Settled {
            at: PAST,
            outcome: NotificationOutcome::Delivered,
        }),
        ..fresh.clone()
    };
    [
        failed(PAST),
        failed(FUTURE),
        under_way(PAST),
        under_way(FUTURE),
        settled,
        fresh,
    ]
}

/// `pending`, held in its attempt of that number.
fn claimed(pending: &Record, attempt: u32, alone: bool, lease_until: Timestamp) -> Record {
    let before = Record {
        attempt: attempt - 1,
        ..pending.clone()
    };
    let claim = Claim {
        token: holder(),
        lease_until,
        tenure: Some(tenure(1)),
    };
    apply(&before, &Event::Claimed { claim, alone }, PAST).expect("a pending order is claimed")
}

/// Every event, by the holder, and by somebody else where that can be.
fn events() -> Vec<Event> {
    let claim = |token| Claim {
        token,
        lease_until: FUTURE,
        tenure: Some(tenure(1)),
    };
    let mut events = vec![
        Event::Claimed {
            claim: claim(stranger()),
            alone: true,
        },
        Event::Claimed {
            claim: claim(stranger()),
            alone: false,
        },
        Event::Interrupted { tenure: tenure(1) },
        Event::Interrupted { tenure: tenure(2) },
        Event::LeaseExpired,
        Event::Cancelled,
        Event::Chosen,
        Event::Discarded,
    ];
    events.push(Event::DeliveryBegun {
        delivery: stranger(),
        until: FUTURE,
    });
    for token in [holder(), stranger()] {
        events.extend(delivery_ends().map(|end| Event::DeliveryEnded {
            delivery: token,
            end,
        }));
        events.push(Event::Renewed {
            claim: claim(token),
            progress: None,
        });
        events.push(Event::Released { token });
        events.extend(ends().map(|end| Event::Ended { token, end }));
    }
    events
}

fn ends() -> [AttemptEnd; 4] {
    let error = || AttemptError::from("it went wrong".to_owned());
    [
        AttemptEnd::Completed { result: None },
        AttemptEnd::Permanent { error: error() },
        AttemptEnd::Partial {
            error: error(),
            // OK because a number is always JSON.
            result: to_raw_value(&1).expect("a number is JSON"),
        },
        AttemptEnd::Retryable {
            error: error(),
            delay_ms: 1_000,
        },
    ]
}

fn delivery_ends() -> [DeliveryEnd; 3] {
    [
        DeliveryEnd::Delivered { status: 204 },
        DeliveryEnd::Gone { status: 410 },
        DeliveryEnd::Failed {
            status: Some(503),
            error: "the receiver answered with status `503`".to_owned(),
            delay_ms: 1_000,
        },
    ]
}

fn holder() -> Token {
    Token::new([1; 16])
}

fn stranger() -> Token {
    Token::new([2; 16])
}

/// Claims are made in the first.
fn tenure(number: u8) -> Token {
    Token::new([10 + number; 16])
}

/// The cause as documents word it: the event, and what else decides.
fn cause(record: &Record, event: &Event) -> String {
    let last = match record.attempt {
        ATTEMPTS_MAX => ", attempts used up",
        _ => "",
    };
    let was_alone = record.attempts.last().is_some_and(|attempt| attempt.alone);
    let last_alone = if was_alone && !last.is_empty() {
        " alone, attempts used up"
    } else {
        ""
    };
    let ended_at = record.ended_at().unwrap_or(NOW);
    let is_old = NOW.ms_since(ended_at) > TELLING_MS_MAX;
    let day = if is_old { ", day over" } else { "" };
    let standing = record.notification_status();
    match event {
        Event::DeliveryBegun { .. } if standing == Some(NotificationStatus::Delivering) => {
            format!("delivery begun: lost{day}")
        }
        // Once it is told, however late.
        Event::DeliveryBegun { .. } if deliveries(record) == 0 => "delivery begun".to_owned(),
        Event::DeliveryBegun { .. } => format!("delivery begun{day}"),
        Event::DeliveryEnded { end, .. } => match end {
            DeliveryEnd::Delivered { .. } => "delivery ended: delivered".to_owned(),
            DeliveryEnd::Gone { .. } => "delivery ended: gone".to_owned(),
            DeliveryEnd::Failed { .. } => format!("delivery ended: failed{day}"),
        },
        Event::Claimed { .. } => "claimed".to_owned(),
        Event::Renewed { .. } => "renewed".to_owned(),
        Event::Released { .. } => "released".to_owned(),
        Event::Cancelled => "cancelled".to_owned(),
        Event::Chosen => "chosen".to_owned(),
        Event::Discarded => "discarded".to_owned(),
        Event::LeaseExpired => format!("lease expired{last_alone}"),
        Event::Interrupted { .. } => format!("interrupted{last_alone}"),
        Event::Ended { .. } if record.status().is_terminal() => "ended: late".to_owned(),
        Event::Ended { end, .. } => match end {
            AttemptEnd::Completed { .. } => "ended: completed".to_owned(),
            AttemptEnd::Permanent { .. } => "ended: permanent".to_owned(),
            AttemptEnd::Partial { .. } => "ended: partial".to_owned(),
            AttemptEnd::Retryable { .. } => format!("ended: retryable{last}"),
        },
    }
}

fn deliveries(record: &Record) -> u32 {
    record.notification.as_ref().map_or(0, |it| it.deliveries)
}

/// The end of an edge as documents word it.
fn name(record: &Record, event: &Event) -> String {
    match event {
        Event::DeliveryBegun { .. } | Event::DeliveryEnded { .. } => {
            // OK because without a notification no delivery begins or ends.
            let standing = record.notification_status().expect("a notification");
            format!("{standing:?}").to_lowercase()
        }
        _ if record.candidate && !record.status().is_terminal() => "candidate".to_owned(),
        _ => record.status().as_str().to_owned(),
    }
}

#[test]
fn the_documented_edges_are_those_that_are_taken() {
    let mut taken = BTreeSet::new();
    for record in records() {
        for event in events() {
            if let Ok(next) = apply(&record, &event, NOW) {
                taken.insert(Edge {
                    from: name(&record, &event),
                    cause: cause(&record, &event),
                    to: name(&next, &event),
                });
            }
        }
    }
    for document in DOCUMENTS {
        let documented = documented(document);
        let missing: Vec<_> = taken.difference(&documented).collect();
        let untrue: Vec<_> = documented.difference(&taken).collect();
        assert!(
            missing.is_empty() && untrue.is_empty(),
            "`{document}` does not list {missing:?}, and lists {untrue:?}"
        );
    }
}

#[test]
fn what_is_no_edge_is_refused_for_its_reason() {
    for record in records() {
        for event in events() {
            let Err(refused) = apply(&record, &event, NOW) else {
                continue;
            };
            assert_eq!((refused.id, refused.status), (record.id, record.status()));
            let expected = match (&record.state, &event) {
                (State::Pending { .. }, _) if record.candidate => Refusal::Undecided,
                (
                    State::Pending {
                        next_attempt_at: Some(at),
                    },
                    Event::Claimed { .. },
                ) if *at > NOW => Refusal::NotDue { at: *at },
                (State::Pending { .. }, Event::Claimed { alone, .. }) => {
                    assert!(!alone && record.runs_alone(), "else it could be claimed");
                    Refusal::NotAlone
                }
                // Once the lease has run out, that is to be recorded before the next claim.
                (State::Processing { claim, .. }, Event::Claimed { .. })
                    if claim.lease_until > NOW =>
                {
                    Refusal::Held {
                        until: claim.lease_until,
                    }
                }
                (State::Cancelled { .. }, Event::Ended { .. }) => Refusal::NotHolder,
                (
                    State::Pending { .. } | State::Processing { .. },
                    Event::DeliveryBegun { .. } | Event::DeliveryEnded { .. },
                ) => Refusal::NotEnded,
                (_, Event::DeliveryBegun { .. }) if record.tellable_at().is_some() => {
                    Refusal::DeliveryNotDue { at: FUTURE }
                }
                (_, Event::DeliveryEnded { .. }) if record.tellable_at().is_some() => {
                    Refusal::NotHolder
                }
                _ if record.status().is_terminal() => Refusal::Terminal,
                _ => Refusal::NotHolder,
            };
            assert_eq!(refused.refusal, expected, "{event:?} on {:?}", record.state);
        }
    }
}

#[test]
fn a_late_outcome_is_noted_once() {
    let late = Event::Ended {
        token: holder(),
        end: AttemptEnd::Completed { result: None },
    };
    for record in records() {
        if record.status() != Status::Cancelled {
            continue;
        }
        let noted = apply(&record, &late, NOW).expect("the attempt that ran is known");
        assert!(apply(&noted, &late, NOW).is_err());
    }
}
