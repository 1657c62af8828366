//! The record as the model sees it: only what decides, so that there are finitely many.
//!
//! Time is left out. What it decides is one thing: whether a lease has run out, and that every process
//! judges by a clock of its own, so the model lets any process judge it either way at any moment. A
//! retry may always be due. For each step the record is made whole again and handed to the production
//! [`apply`].

use std::sync::LazyLock;

use protocol::{
    Attempt, AttemptOutcome, Claim, ErrorCode, Event, Failure, IllegalTransition, Order, OrderId,
    RECORD_VERSION, Record, State, Timestamp, Token, apply,
};
use serde_json::value::to_raw_value;

use crate::support::sample::{BODY, order};

/// What the client sent, parsed once.
static ORDER: LazyLock<Order> = LazyLock::new(|| order(BODY));

/// The moment at which every step is taken, as far as the production code is told.
const NOW: Timestamp = Timestamp::from_unix_ms(1_000);
/// A time that has passed by then.
const PAST: Timestamp = Timestamp::from_unix_ms(500);
/// A time that has not.
const FUTURE: Timestamp = Timestamp::from_unix_ms(2_000);

/// The token of a claim, numbered so that few are needed.
pub type ClaimNumber = u8;

/// Who made the latest write, as far as somebody may still ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// Somebody who has moved on.
    Nobody,
    /// The process of that number, by the change that it is making.
    Process(usize),
}

/// A record, reduced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Core {
    /// Where the order stands.
    pub standing: Standing,
    /// The number of the latest attempt.
    pub attempt: u32,
    /// Its history.
    pub attempts: Vec<Run>,
    /// By which a writer recognises its own write.
    pub author: Author,
}

/// What a process' clock says of the lease of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It holds.
    Holds,
    /// It has run out.
    IsOver,
}

/// A [`State`], reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Waits for a processor.
    Pending,
    /// Is worked on.
    Processing {
        /// By whom.
        claim: ClaimNumber,
        /// Whether the host that it was made on has ended.
        is_of_tenure_before: bool,
    },
    /// Done.
    Completed {
        /// By whom.
        claim: ClaimNumber,
    },
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
}

/// An [`Attempt`], reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// Under which claim.
    pub claim: ClaimNumber,
    /// How it ended, as text because the outcome has no hash.
    pub outcome: Option<&'static str>,
    /// Whether a late outcome has been noted.
    pub late: bool,
    /// Whether it had its instance to itself.
    pub alone: bool,
}

impl Core {
    /// An order as it was accepted.
    pub fn accepted() -> Self {
        Self {
            standing: Standing::Pending,
            attempt: 0,
            attempts: Vec::new(),
            author: Author::Nobody,
        }
    }

    /// Whether the order has ended.
    pub fn is_terminal(&self) -> bool {
        match self.standing {
            Standing::Pending | Standing::Processing { .. } => false,
            Standing::Completed { .. } | Standing::Failed | Standing::Cancelled => true,
        }
    }

    /// How the order ended, if it has, without notes of late outcomes.
    pub fn ending(&self) -> Option<(Standing, Vec<Option<&'static str>>)> {
        let outcomes = self.attempts.iter().map(|run| run.outcome);
        self.is_terminal()
            .then(|| (self.standing, outcomes.collect()))
    }

    /// Whether it is being processed under a claim that was made on the host that runs now.
    pub fn is_of_this_tenure(&self) -> bool {
        matches!(
            self.standing,
            Standing::Processing {
                is_of_tenure_before: false,
                ..
            }
        )
    }

    /// The same after the host that claims were made on has ended.
    pub fn restart(&mut self) {
        if let Standing::Processing {
            is_of_tenure_before,
            ..
        } = &mut self.standing
        {
            *is_of_tenure_before = true;
        }
    }

    /// What the production code makes of `event`, by a clock that says that a lease has run out, or not.
    pub fn apply(
        &self,
        event: &Event,
        attempts_max: u32,
        lease: Lease,
    ) -> Result<Self, IllegalTransition> {
        apply(&self.record(attempts_max, lease), event, NOW).map(|record| Self::of(&record))
    }

    fn record(&self, attempts_max: u32, lease: Lease) -> Record {
        Record {
            version: RECORD_VERSION,
            revision: 1,
            write: token(0),
            id: OrderId::new(PAST, [0; 10], None),
            owner: None,
            idempotency: None,
            candidate: false,
            created_at: PAST,
            updated_at: PAST,
            max_attempts: attempts_max,
            attempt: self.attempt,
            attempts: self.attempts.iter().map(|run| run.attempt()).collect(),
            error_details: None,
            state: self.standing.state(lease),
            traceparent: None,
            tracestate: None,
            baggage: None,
            notification: None,
            order: ORDER.clone(),
        }
    }

    fn of(record: &Record) -> Self {
        Self {
            standing: Standing::of(&record.state),
            attempt: record.attempt,
            attempts: record.attempts.iter().map(Run::of).collect(),
            author: Author::Nobody,
        }
    }
}

impl Standing {
    fn state(self, lease: Lease) -> State {
        match self {
            Self::Pending => State::Pending {
                next_attempt_at: Some(PAST),
            },
            Self::Processing {
                claim,
                is_of_tenure_before,
            } => State::Processing {
                claim: Claim {
                    token: token(claim),
                    lease_until: match lease {
                        Lease::Holds => FUTURE,
                        Lease::IsOver => PAST,
                    },
                    tenure: Some(tenure(is_of_tenure_before)),
                },
                progress: None,
            },
            Self::Completed { claim } => State::Completed {
                at: PAST,
                // OK because a number is always JSON.
                result: Some(to_raw_value(&claim).expect("a number is JSON")),
            },
            Self::Failed => State::Failed {
                at: PAST,
                failure: Failure {
                    code: ErrorCode::Permanent,
                    message: String::new(),
                },
                result: None,
            },
            Self::Cancelled => State::Cancelled { at: PAST },
        }
    }

    fn of(state: &State) -> Self {
        match state {
            State::Pending { .. } => Self::Pending,
            State::Processing { claim, .. } => Self::Processing {
                claim: number(claim.token),
                is_of_tenure_before: claim.tenure != Some(tenure(false)),
            },
            State::Completed { result, .. } => {
                // OK because the model lets each processor give its claim's number.
                let result = result.as_ref().expect("a result");
                Self::Completed {
                    claim: result.get().parse().expect("a claim's number"),
                }
            }
            State::Failed { .. } => Self::Failed,
            State::Cancelled { .. } => Self::Cancelled,
        }
    }
}

impl Run {
    const OUTCOMES: [(&'static str, AttemptOutcome); 6] = [
        ("completed", AttemptOutcome::Completed),
        ("failed", AttemptOutcome::Failed),
        ("retryable", AttemptOutcome::Retryable),
        ("lease expired", AttemptOutcome::LeaseExpired),
        ("interrupted", AttemptOutcome::Interrupted),
        ("cancelled", AttemptOutcome::Cancelled),
    ];

    fn attempt(self) -> Attempt {
        let outcome = self.outcome.map(|name| {
            let known = Self::OUTCOMES.into_iter().find(|(known, _)| *known == name);
            known.expect("one of the six").1
        });
        Attempt {
            number: 1,
            token: token(self.claim),
            alone: self.alone,
            started_at: PAST,
            ended_at: outcome.map(|_| PAST),
            outcome,
            error: None,
            late_outcome_at: self.late.then_some(PAST),
        }
    }

    fn of(attempt: &Attempt) -> Self {
        let outcome = attempt.outcome.map(|outcome| {
            let known = Self::OUTCOMES
                .into_iter()
                .find(|(_, known)| *known == outcome);
            known.expect("one of the six").0
        });
        Self {
            claim: number(attempt.token),
            outcome,
            late: attempt.late_outcome_at.is_some(),
            alone: attempt.alone,
        }
    }
}

/// A claim as the production code is told of it.
pub fn claim(number: ClaimNumber) -> Claim {
    Claim {
        token: token(number),
        lease_until: FUTURE,
        tenure: Some(tenure(false)),
    }
}

/// How long a retry waits, as far as the production code is told.
pub const RETRY_DELAY_MS: u64 = FUTURE.ms_since(NOW);

/// The tenure of the host that runs now, or that of the one before it.
pub fn tenure(before: bool) -> Token {
    token(if before { 201 } else { 200 })
}

/// The token of the claim of that number.
pub fn token(number: ClaimNumber) -> Token {
    Token::new([number; 16])
}

fn number(token: Token) -> ClaimNumber {
    let known = (0..=ClaimNumber::MAX).find(|number| self::token(*number) == token);
    known.expect("the token of a numbered claim")
}
