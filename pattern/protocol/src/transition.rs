//! The state machine of an order: every legal transition, in one function.

use serde_json::value::RawValue;

use crate::record::{ATTEMPTS_KEPT_MAX, Attempt, AttemptOutcome, Claim, ErrorCode, Failure, State};
use crate::{DeliveryEnd, IllegalTransition, Record, Refusal, Timestamp, Token};

/// The longest result that an order may have, in bytes of JSON: with its order and history a record must
/// fit the 1 MiB that stores allow a value.
pub const RESULT_BYTES_MAX: usize = 256 * 1024;
/// The longest message that is kept of what went wrong, in bytes of JSON. A record has some
/// [`ATTEMPTS_KEPT_MAX`] of them.
pub const MESSAGE_BYTES_MAX: usize = 2_000;
/// The longest details that are kept of what went wrong, in bytes of JSON. A record has those of its
/// latest attempt.
pub const DETAILS_BYTES_MAX: usize = 16 * 1024;

/// How finely progress is told.
const PROGRESS_STEPS: f64 = 10_000.0;

/// Something that happens to an order.
#[derive(Clone, Debug)]
pub enum Event {
    /// Its idempotency key stands for this order.
    Chosen,
    /// Its idempotency key stands for another order.
    Discarded,
    /// A processor takes the order for one attempt.
    Claimed {
        /// By which right.
        claim: Claim,
        /// Whether the attempt has its instance to itself.
        alone: bool,
    },
    /// The holder is alive, and tells how far the work is.
    Renewed {
        /// The claim, with its new end.
        claim: Claim,
        /// How much of the work is done, 0 to 1, if the work says so.
        progress: Option<f64>,
    },
    /// The holder's attempt ended.
    Ended {
        /// The holder's token.
        token: Token,
        /// How.
        end: AttemptEnd,
    },
    /// The holder hands the order back unworked, as a host does that shuts down.
    Released {
        /// The holder's token.
        token: Token,
    },
    /// The lease ran out, and somebody noticed.
    LeaseExpired,
    /// The host that the holder ran on has ended, as the next one knows that has the store for itself.
    Interrupted {
        /// Of the host that knows it.
        tenure: Token,
    },
    /// The client takes the order back.
    Cancelled,
    /// Somebody sets out to tell of the order's end.
    DeliveryBegun {
        /// Names the delivery.
        delivery: Token,
        /// When it counts as lost.
        until: Timestamp,
    },
    /// Who set out is back.
    DeliveryEnded {
        /// The delivery's name.
        delivery: Token,
        /// How.
        end: DeliveryEnd,
    },
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum AttemptEnd {
    /// The work is done.
    Completed {
        /// What it gave, if anything beyond its being done.
        result: Option<Box<RawValue>>,
    },
    /// The work failed, and another attempt is of no use.
    Permanent {
        /// What went wrong.
        error: AttemptError,
    },
    /// Some of the work is done, the rest failed, and another attempt is of no use.
    Partial {
        /// What went wrong with the rest.
        error: AttemptError,
        /// What the part that is done gave.
        result: Box<RawValue>,
    },
    /// The work failed in a way that another attempt may mend.
    Retryable {
        /// What went wrong.
        error: AttemptError,
        /// How long to wait before the next attempt, in milliseconds.
        delay_ms: u64,
    },
}

/// What went wrong in an attempt.
#[derive(Clone, Debug)]
pub struct AttemptError {
    /// For people. What is longer than [`MESSAGE_BYTES_MAX`] is cut off.
    pub message: String,
    /// For programs, if there is more to tell. What is longer than [`DETAILS_BYTES_MAX`] is left out.
    pub details: Option<Box<RawValue>>,
}

impl From<String> for AttemptError {
    fn from(message: String) -> Self {
        Self {
            message,
            details: None,
        }
    }
}

/// The record after `event`, or why the event cannot happen to it now.
///
/// ```text
///          submit               claimed                 ended: completed
/// (none) ----------> pending ---------------> processing ----------------> completed
///                     ^  |                      |  |  |
///                     |  | cancelled            |  |  +- ended: permanent, partial, or attempts used up,
///                     |  v                      |  |     or lost alone as often --------> failed
///                     |  cancelled <------------|--+ cancelled
///                     +-------------------------+ ended: retryable; lost; released
/// ```
///
/// Edge by edge, as a test compares it with what this function does:
///
/// ```text
/// candidate  --chosen-->                              pending
/// candidate  --discarded-->                           cancelled
/// pending    --claimed-->                             processing
/// pending    --cancelled-->                           cancelled
/// processing --renewed-->                             processing
/// processing --ended: completed-->                    completed
/// processing --ended: permanent-->                    failed
/// processing --ended: partial-->                      failed
/// processing --ended: retryable-->                    pending
/// processing --ended: retryable, attempts used up-->  failed
/// processing --lease expired-->                       pending
/// processing --lease expired alone, attempts used up--> failed
/// processing --interrupted-->                         pending
/// processing --interrupted alone, attempts used up--> failed
/// processing --released-->                            pending
/// processing --cancelled-->                           cancelled
/// cancelled  --ended: late-->                         cancelled
/// ```
///
/// Where somebody is to be told of an order's end, its notification begins to move once the order has
/// ended, and by these edges alone, whichever its end was:
///
/// ```text
/// waiting    --delivery begun-->                      delivering
/// waiting    --delivery begun, day over-->            settled
/// delivering --delivery begun: lost-->                delivering
/// delivering --delivery begun: lost, day over-->      settled
/// delivering --delivery ended: delivered-->           settled
/// delivering --delivery ended: gone-->                settled
/// delivering --delivery ended: failed-->              waiting
/// delivering --delivery ended: failed, day over-->    settled
/// ```
///
/// - *candidate*: pending, and one of perhaps several that were written for one idempotency key. It is
///   chosen or discarded before anybody is told of it; if its creator crashes, by who comes to work on it.
/// - *pending*: a processor's claim moves it on; a crash changes nothing, a sweep dispatches it again.
/// - *processing*: its holder moves it on; if the holder crashes, whoever notices that the lease
///   ran out does.
///   An attempt that was lost together with others does not fail the order for good: whose fault
///   it was, nobody can tell. The next runs alone ([`Record::runs_alone`]), if need be beyond
///   `max_attempts`.
/// - *completed*, *failed*, *cancelled*: nothing moves them. An outcome that arrives after a
///   cancellation is noted in the history and changes nothing else.
/// - *waiting*: a sweep finds that a delivery is due, and whoever it dispatches begins one.
/// - *delivering*: who delivers moves it on; if it crashes, the delivery counts as lost after a time, and
///   another is begun. *settled*: nothing moves it, and the record may be moved.
///
/// The returned record keeps `revision` and `write`; the writer sets them.
///
/// # Errors
/// [`IllegalTransition`], with the reason; nothing has changed then.
pub fn apply(record: &Record, event: &Event, now: Timestamp) -> Result<Record, IllegalTransition> {
    let refuse = |refusal| {
        Err(IllegalTransition {
            id: record.id,
            status: record.status(),
            refusal,
        })
    };
    let mut next = record.clone();
    // Clocks of replicas differ; a record's own times never go back. What is due, and whose
    // lease has run out, is judged by the clock of who asks.
    let at = now.max(record.updated_at);
    next.updated_at = at;
    match (&record.state, event) {
        (State::Pending { .. }, Event::Chosen) if record.candidate => next.candidate = false,
        (State::Pending { .. }, Event::Discarded) if record.candidate => {
            next.state = State::Cancelled { at };
        }
        (State::Pending { .. }, _) if record.candidate => return refuse(Refusal::Undecided),
        (
            State::Pending {
                next_attempt_at: Some(at),
            },
            Event::Claimed { .. },
        ) if now < *at => {
            return refuse(Refusal::NotDue { at: *at });
        }
        (State::Pending { .. }, Event::Claimed { alone: false, .. }) if record.runs_alone() => {
            return refuse(Refusal::NotAlone);
        }
        (State::Pending { .. }, Event::Claimed { claim, alone }) => {
            next.begin_attempt(*claim, *alone);
        }
        (State::Pending { .. }, Event::Cancelled) => next.state = State::Cancelled { at },

        (State::Processing { claim, .. }, Event::Claimed { .. }) if now < claim.lease_until => {
            return refuse(Refusal::Held {
                until: claim.lease_until,
            });
        }
        (
            State::Processing {
                claim: held,
                progress: known,
            },
            Event::Renewed { claim, progress },
        ) if held.token == claim.token => {
            next.state = State::Processing {
                claim: Claim {
                    // A clock that was set back meanwhile takes nothing away.
                    lease_until: claim.lease_until.max(held.lease_until),
                    ..*claim
                },
                progress: furthest(*known, *progress),
            };
        }
        (State::Processing { claim, .. }, Event::Ended { token, end }) if claim.token == *token => {
            next.end_attempt(end, at);
        }
        (State::Processing { claim, .. }, Event::Released { token }) if claim.token == *token => {
            next.attempts.pop();
            next.attempt -= 1;
            next.state = State::Pending {
                next_attempt_at: None,
            };
        }
        (State::Processing { claim, .. }, Event::LeaseExpired) if now >= claim.lease_until => {
            next.lose_attempt(AttemptOutcome::LeaseExpired, at);
        }
        (State::Processing { claim, .. }, Event::Interrupted { tenure })
            if claim.tenure != Some(*tenure) =>
        {
            next.lose_attempt(AttemptOutcome::Interrupted, at);
        }
        (State::Processing { .. }, Event::Cancelled) => {
            next.close_attempt(AttemptOutcome::Cancelled, None, at);
            next.state = State::Cancelled { at };
        }

        (_, Event::DeliveryBegun { .. } | Event::DeliveryEnded { .. }) => {
            if let Err(refusal) = next.tell(event, now) {
                return refuse(refusal);
            }
        }
        (State::Cancelled { .. }, Event::Ended { token, .. }) => match next.late_attempt(*token) {
            Some(attempt) => attempt.late_outcome_at = Some(at),
            None => return refuse(Refusal::NotHolder),
        },

        (State::Pending { .. } | State::Processing { .. }, _) => return refuse(Refusal::NotHolder),
        _ => return refuse(Refusal::Terminal),
    }
    Ok(next)
}

impl Record {
    fn begin_attempt(&mut self, claim: Claim, alone: bool) {
        self.attempt += 1;
        if self.attempts.len() == ATTEMPTS_KEPT_MAX {
            self.attempts.remove(0);
        }
        self.attempts.push(Attempt {
            number: self.attempt,
            token: claim.token,
            alone,
            started_at: self.updated_at,
            ended_at: None,
            outcome: None,
            error: None,
            late_outcome_at: None,
        });
        self.state = State::Processing {
            claim,
            progress: None,
        };
    }

    fn end_attempt(&mut self, end: &AttemptEnd, at: Timestamp) {
        match end {
            AttemptEnd::Completed { result } => {
                if let Some(sentence) = result.as_deref().and_then(too_large) {
                    // The work is done and would give the same again, so no other attempt is made.
                    self.fail_attempt(ErrorCode::Permanent, &sentence.into(), at);
                } else {
                    self.close_attempt(AttemptOutcome::Completed, None, at);
                    self.state = State::Completed {
                        at,
                        result: result.clone(),
                    };
                }
            }
            AttemptEnd::Permanent { error } => self.fail_attempt(ErrorCode::Permanent, error, at),
            AttemptEnd::Partial { error, result } => {
                if let Some(sentence) = too_large(result) {
                    let error = AttemptError {
                        message: format!("{sentence}; {}", error.message),
                        details: error.details.clone(),
                    };
                    self.fail_attempt(ErrorCode::Permanent, &error, at);
                } else {
                    self.close_attempt(AttemptOutcome::Failed, Some(error), at);
                    self.fail(ErrorCode::Partial, &error.message, Some(result.clone()), at);
                }
            }
            AttemptEnd::Retryable { error, delay_ms } => {
                self.close_attempt(AttemptOutcome::Retryable, Some(error), at);
                if self.attempt >= self.max_attempts {
                    self.fail(ErrorCode::Retryable, &error.message, None, at);
                } else {
                    self.state = State::Pending {
                        next_attempt_at: Some(at.plus_ms(*delay_ms)),
                    };
                }
            }
        }
    }

    /// The attempt counts, so that an order which kills its processor ends as failed and not in a
    /// loop; but it fails the order only if nothing else can have ended it.
    fn lose_attempt(&mut self, outcome: AttemptOutcome, at: Timestamp) {
        let message = format!(
            "attempt {} was lost: {}",
            self.attempt,
            if outcome == AttemptOutcome::Interrupted {
                "its host ended"
            } else {
                "its lease ran out before it ended"
            }
        );
        let was_alone = self.attempts.last().is_some_and(|attempt| attempt.alone);
        self.close_attempt(outcome, Some(&message.clone().into()), at);
        if self.attempt >= self.max_attempts && was_alone {
            self.fail(ErrorCode::LeaseExpired, &message, None, at);
        } else {
            // At once: the lease has been delay enough.
            self.state = State::Pending {
                next_attempt_at: None,
            };
        }
    }

    /// Ends the attempt, and with it the order.
    fn fail_attempt(&mut self, code: ErrorCode, error: &AttemptError, at: Timestamp) {
        self.close_attempt(AttemptOutcome::Failed, Some(error), at);
        self.fail(code, &error.message, None, at);
    }

    fn fail(
        &mut self,
        code: ErrorCode,
        message: &str,
        result: Option<Box<RawValue>>,
        at: Timestamp,
    ) {
        self.state = State::Failed {
            at,
            failure: Failure {
                code,
                message: bounded(message),
            },
            result,
        };
    }

    fn close_attempt(
        &mut self,
        outcome: AttemptOutcome,
        error: Option<&AttemptError>,
        at: Timestamp,
    ) {
        let details = error.and_then(|error| error.details.as_ref());
        self.error_details = details
            .filter(|it| it.get().len() <= DETAILS_BYTES_MAX)
            .cloned();
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.ended_at = Some(at);
            attempt.outcome = Some(outcome);
            attempt.error = error.map(|error| bounded(&error.message));
        }
    }

    /// Begins or ends a delivery, as `event` says.
    fn tell(&mut self, event: &Event, now: Timestamp) -> Result<(), Refusal> {
        let at = self.updated_at;
        let ended_at = self.ended_at().ok_or(Refusal::NotEnded)?;
        let due_at = self.tellable_at().ok_or(Refusal::Terminal)?;
        let notification = self.notification.as_deref_mut().ok_or(Refusal::Terminal)?;
        match event {
            Event::DeliveryBegun { .. } if now < due_at => {
                return Err(Refusal::DeliveryNotDue { at: due_at });
            }
            Event::DeliveryBegun { delivery, until } => {
                notification.begin(*delivery, *until, [ended_at, at]);
            }
            Event::DeliveryEnded { delivery, end } if notification.delivery == Some(*delivery) => {
                notification.end(end, [ended_at, at]);
                notification.last_error = notification.last_error.as_deref().map(bounded);
            }
            _ => return Err(Refusal::NotHolder),
        }
        Ok(())
    }

    /// The attempt that ran under `token`, if its late outcome has not been noted yet.
    fn late_attempt(&mut self, token: Token) -> Option<&mut Attempt> {
        self.attempts
            .iter_mut()
            .find(|attempt| attempt.token == token && attempt.late_outcome_at.is_none())
    }
}

/// That a result is larger than is kept, if it is.
fn too_large(result: &RawValue) -> Option<String> {
    let bytes = result.get().len();
    (bytes > RESULT_BYTES_MAX)
        .then(|| format!("the result has {bytes} bytes, and {RESULT_BYTES_MAX} are kept at most"))
}

/// The message, or as much of its beginning as is kept.
///
/// Measured as JSON, in which some characters take six bytes.
fn bounded(message: &str) -> String {
    let mut json_bytes = 0;
    let cut_at = message.char_indices().find_map(|(index, char)| {
        json_bytes += match char {
            '"' | '\\' => 2,
            char if char.is_control() => 6,
            char => char.len_utf8(),
        };
        (json_bytes > MESSAGE_BYTES_MAX).then_some(index)
    });
    match cut_at {
        None => message.to_owned(),
        Some(cut_at) => format!(
            "{} … (cut off; {} bytes in all)",
            &message[..cut_at],
            message.len()
        ),
    }
}

/// Progress never goes back, whatever the work says.
fn furthest(known: Option<f64>, reported: Option<f64>) -> Option<f64> {
    let reported = reported
        .filter(|progress| progress.is_finite())
        // With few digits, because a reader of JSON may be off in the last of many.
        .map(|progress| (progress.clamp(0.0, 1.0) * PROGRESS_STEPS).round() / PROGRESS_STEPS);
    match (known, reported) {
        (Some(known), Some(reported)) => Some(known.max(reported)),
        (known, reported) => reported.or(known),
    }
}
