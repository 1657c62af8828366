//! Properties of [`protocol::apply`] over any history of events, from clocks that differ.

use proptest::prelude::*;
use protocol::{
    ATTEMPTS_KEPT_MAX, AttemptEnd, Claim, Event, Record, State, Status, Timestamp, Token, apply,
};

use crate::support::conditions::thoroughness;
use crate::support::sample::START;
use crate::support::world::World;

/// An event before its tokens and times are known.
#[derive(Clone, Debug)]
struct Happening {
    kind: Kind,
    /// Whose token it bears: the latest claimant's, the one before, and so on.
    claimants_back: usize,
    /// How far the clock of who applies it is off, in milliseconds.
    skew_ms: i64,
    /// How long after the one before, in milliseconds.
    after_ms: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Claimed {
        lease_ms: u64,
        alone: bool,
    },
    Renewed {
        lease_ms: u64,
        progress: Option<f64>,
    },
    Completed,
    Permanent,
    Retryable {
        delay_ms: u64,
    },
    Released,
    LeaseExpired,
    Interrupted {
        tenure: u8,
    },
    Cancelled,
}

fn happening() -> impl Strategy<Value = Happening> {
    let ms = 0..5_000_u64;
    let kind = prop_oneof![
        8 => (ms.clone(), any::<bool>())
            .prop_map(|(lease_ms, alone)| Kind::Claimed { lease_ms, alone }),
        4 => (ms.clone(), proptest::option::of(any::<f64>()))
            .prop_map(|(lease_ms, progress)| Kind::Renewed { lease_ms, progress }),
        4 => (ms.clone(), proptest::option::of(0.0..1.0))
            .prop_map(|(lease_ms, progress)| Kind::Renewed { lease_ms, progress }),
        4 => ms.clone().prop_map(|delay_ms| Kind::Retryable { delay_ms }),
        1 => Just(Kind::Completed),
        1 => Just(Kind::Permanent),
        2 => Just(Kind::Released),
        4 => Just(Kind::LeaseExpired),
        2 => (0..2_u8).prop_map(|tenure| Kind::Interrupted { tenure }),
        1 => Just(Kind::Cancelled),
    ];
    let claimants_back = prop_oneof![4 => Just(0_usize), 1 => 1..4_usize];
    (kind, claimants_back, -2_000..2_000_i64, ms).prop_map(
        |(kind, claimants_back, skew_ms, after_ms)| Happening {
            kind,
            claimants_back,
            skew_ms,
            after_ms,
        },
    )
}

/// Applies `happenings` in turn, and hands each transition to `check`, refused ones too.
fn live(
    max_attempts: u32,
    happenings: &[Happening],
    mut check: impl FnMut(&Record, &Event, Option<&Record>),
) {
    let world = World::calm();
    let mut record = accepted(&world, max_attempts);
    let mut tokens = vec![world.token()];
    let mut time = START;
    for happening in happenings {
        time = time.plus_ms(happening.after_ms);
        let now =
            Timestamp::from_unix_ms(time.as_unix_ms().saturating_add_signed(happening.skew_ms));
        let holder = tokens.iter().rev().nth(happening.claimants_back);
        let token = holder.copied().unwrap_or(tokens[0]);
        let fresh = world.token();
        let event = happening.kind.event(token, fresh, now);
        let next = apply(&record, &event, now).ok();
        check(&record, &event, next.as_ref());
        if let Some(next) = next {
            if matches!(event, Event::Claimed { .. }) {
                tokens.push(fresh);
            }
            record = next;
        }
    }
}

fn accepted(world: &World, max_attempts: u32) -> Record {
    let id = world.complete(crate::support::roles::submit(world.clone()));
    Record {
        max_attempts,
        ..world.record(id)
    }
}

impl Kind {
    fn event(&self, token: Token, fresh: Token, now: Timestamp) -> Event {
        let message = "it went wrong".to_owned();
        let ended = |end| Event::Ended { token, end };
        match *self {
            Self::Claimed { lease_ms, alone } => Event::Claimed {
                claim: Claim {
                    token: fresh,
                    lease_until: now.plus_ms(lease_ms),
                    tenure: Some(tenure(0)),
                },
                alone,
            },
            Self::Renewed { lease_ms, progress } => Event::Renewed {
                claim: Claim {
                    token,
                    lease_until: now.plus_ms(lease_ms),
                    tenure: Some(tenure(0)),
                },
                progress,
            },
            Self::Completed => ended(AttemptEnd::Completed { result: None }),
            Self::Permanent => ended(AttemptEnd::Permanent {
                error: message.into(),
            }),
            Self::Retryable { delay_ms } => ended(AttemptEnd::Retryable {
                error: message.into(),
                delay_ms,
            }),
            Self::Released => Event::Released { token },
            Self::LeaseExpired => Event::LeaseExpired,
            Self::Interrupted { tenure: of } => Event::Interrupted { tenure: tenure(of) },
            Self::Cancelled => Event::Cancelled,
        }
    }
}

/// The tenure of that number; claims are made in the first.
fn tenure(number: u8) -> Token {
    Token::new([number; 16])
}

/// The record without what a late outcome may change.
fn without_notes(record: &Record) -> serde_json::Value {
    let mut record = record.clone();
    record.updated_at = START;
    for attempt in &mut record.attempts {
        attempt.late_outcome_at = None;
    }
    serde_json::from_slice(&record.to_json()).expect("JSON")
}

fn progress(record: &Record) -> Option<f64> {
    match record.state {
        State::Processing { progress, .. } => progress,
        _ => None,
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        // OK because the factor is small.
        cases: 512 * u32::try_from(thoroughness()).expect("a small factor"),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_has_ended_changes_only_by_the_note_of_a_late_outcome(
        max_attempts in 1..6_u32, happenings in prop::collection::vec(happening(), 1..60),
    ) {
        live(max_attempts, &happenings, |record, event, next| {
            let Some(next) = next.filter(|_| record.status().is_terminal()) else { return };
            assert_eq!(record.status(), Status::Cancelled);
            assert!(matches!(event, Event::Ended { .. }));
            assert_eq!(without_notes(record), without_notes(next));
        });
    }

    #[test]
    fn attempts_are_counted_up_to_their_limit_and_kept_up_to_another(
        max_attempts in 1..60_u32, happenings in prop::collection::vec(happening(), 1..400),
    ) {
        live(max_attempts, &happenings, |_, _, next| {
            let Some(next) = next else { return };
            // One more where the last was lost in company.
            assert!(next.attempt <= next.max_attempts + 1);
            assert!(next.attempts.len() <= ATTEMPTS_KEPT_MAX);
            let numbers: Vec<_> = next.attempts.iter().map(|attempt| attempt.number).collect();
            assert!(numbers.is_sorted_by(|earlier, later| earlier < later), "{numbers:?}");
            if !next.attempts.is_empty() {
                assert_eq!(numbers.last(), Some(&next.attempt));
            }
        });
    }

    #[test]
    fn times_never_go_back_however_clocks_differ(
        max_attempts in 1..6_u32, happenings in prop::collection::vec(happening(), 1..60),
    ) {
        live(max_attempts, &happenings, |record, _, next| {
            let Some(next) = next else { return };
            assert!(next.updated_at >= record.updated_at);
            let mut latest = next.created_at;
            for attempt in &next.attempts {
                let ended_at = attempt.ended_at.unwrap_or(attempt.started_at);
                assert!(latest <= attempt.started_at && attempt.started_at <= ended_at);
                latest = ended_at;
            }
            if let State::Completed { at, .. } | State::Failed { at, .. } | State::Cancelled { at } = next.state {
                assert!(latest <= at && at <= next.updated_at);
            }
        });
    }

    #[test]
    fn only_the_holder_of_the_claim_moves_what_is_processed_on(
        max_attempts in 1..6_u32, happenings in prop::collection::vec(happening(), 1..60),
    ) {
        live(max_attempts, &happenings, |record, event, next| {
            let State::Processing { claim, .. } = &record.state else { return };
            if let Event::Renewed { claim: Claim { token, .. }, .. }
            | Event::Ended { token, .. }
            | Event::Released { token } = event {
                assert_eq!(next.is_some(), *token == claim.token);
            }
        });
    }

    #[test]
    fn progress_is_a_share_that_never_falls_within_an_attempt(
        max_attempts in 1..6_u32, happenings in prop::collection::vec(happening(), 1..60),
    ) {
        live(max_attempts, &happenings, |record, event, next| {
            let Some(next) = next else { return };
            if let Some(progress) = progress(next) {
                assert!((0.0..=1.0).contains(&progress), "{progress}");
            }
            if matches!(event, Event::Renewed { .. }) {
                assert!(progress(next) >= progress(record));
            } else {
                assert_eq!(progress(next), None, "each attempt begins without");
            }
        });
    }

    #[test]
    fn what_an_order_is_and_the_writers_own_marks_are_left_alone(
        max_attempts in 1..6_u32, happenings in prop::collection::vec(happening(), 1..60),
    ) {
        live(max_attempts, &happenings, |record, _, next| {
            let Some(next) = next else { return };
            assert_eq!((next.revision, next.write), (record.revision, record.write));
            assert_eq!((next.version, next.id), (record.version, record.id));
            assert_eq!((&next.owner, next.idempotency), (&record.owner, record.idempotency));
            assert_eq!((next.created_at, next.max_attempts), (record.created_at, record.max_attempts));
            assert_eq!(next.order.as_json(), record.order.as_json());
        });
    }

    #[test]
    fn every_record_is_read_as_it_was_written(
        max_attempts in 1..60_u32, happenings in prop::collection::vec(happening(), 1..60),
    ) {
        live(max_attempts, &happenings, |_, _, next| {
            let Some(next) = next else { return };
            let json = String::from_utf8(next.to_json()).expect("JSON is text");
            let again = Record::from_json(json.as_bytes()).expect("what was written");
            assert_eq!(String::from_utf8(again.to_json()), Ok(json));
        });
    }
}
