//! What the processes of the model do: each changes the record as the protocol does, in steps
//! between which anything may happen.

use orders::{AttemptEnd, Event, Refusal};
use serde_json::value::to_raw_value;

use super::Broken;
use super::core::{ClaimNumber, Core, RETRY_DELAY_MS, Standing, claim, token};

/// What a process is at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// Nothing; a dispatch may come.
    Idle,
    /// It changes the record.
    Changing(Purpose, Step),
    /// It works, under this claim, as far as it knows.
    Working(ClaimNumber),
    /// It removes the marker.
    Closing,
}

/// Why the record is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To claim the order.
    Claim(ClaimNumber),
    /// To renew the lease.
    Renew(ClaimNumber),
    /// To end the attempt.
    Settle(ClaimNumber, End),
    /// To hand the order back.
    Release(ClaimNumber),
    /// To cancel the order.
    Cancel {
        /// Whether it was seen to be open.
        was_open: bool,
    },
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Completed.
    Completed,
    /// Failed for good.
    Permanent,
    /// To be tried again.
    Retryable,
}

/// Where a change stands: the loop of `update`, between whose reads and swaps others go on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The record is to be read, for the first time or to see what became of the swap.
    Read,
    /// This is to be swapped in, in the place of what is stored now.
    Swap(Core),
}

/// What a process decides when it has read the record.
pub enum Decision {
    /// It is to be this from now on.
    Write(Core),
    /// The change cannot be made.
    Refuse,
    /// What was to be done is done, although it is not this process' write any more.
    Done,
}

impl Purpose {
    /// The decision of the protocol on `core`, by the production function alone; or that of a
    /// protocol that is broken.
    pub fn decide(&mut self, core: &Core, attempts_max: u32, broken: Option<Broken>) -> Decision {
        let mut core = core.clone();
        if let (
            Self::Claim(_),
            Some(Broken::ClaimIgnoresLease),
            Standing::Processing { claim, .. },
        ) = (*self, broken, core.standing)
        {
            core.standing = Standing::Processing { claim, live: false };
        }
        let event = match *self {
            Self::Claim(number) => {
                match core.apply(&Event::LeaseExpired, attempts_max) {
                    Ok(expired) if expired.is_terminal() => return Decision::Write(expired),
                    Ok(expired) => core = expired,
                    // OK because the claim itself is judged next.
                    Err(_) => {}
                }
                Event::Claimed(claim(number))
            }
            Self::Renew(number) => Event::Renewed {
                claim: claim(number),
                progress: None,
            },
            Self::Settle(number, end) => {
                let held_by = match (broken, core.standing) {
                    (Some(Broken::SettleWithoutFence), Standing::Processing { claim, .. }) => claim,
                    _ => number,
                };
                Event::Ended {
                    token: token(held_by),
                    end: end.of(number),
                }
            }
            Self::Release(number) => Event::Released {
                token: token(number),
            },
            Self::Cancel { .. } => Event::Cancelled,
        };
        match (core.apply(&event, attempts_max), self) {
            (Ok(next), Self::Cancel { was_open }) => {
                *was_open = true;
                Decision::Write(next)
            }
            (Ok(next), _) => Decision::Write(next),
            (Err(refused), Self::Cancel { was_open: true })
                if refused.refusal == Refusal::Terminal
                    && core.standing == Standing::Cancelled
                    && broken != Some(Broken::CancelForgetsItself) =>
            {
                Decision::Done
            }
            (Err(_), _) => Decision::Refuse,
        }
    }

    /// The claim that this is done under.
    pub fn claim(self) -> Option<ClaimNumber> {
        match self {
            Self::Claim(number)
            | Self::Renew(number)
            | Self::Settle(number, _)
            | Self::Release(number) => Some(number),
            Self::Cancel { .. } => None,
        }
    }
}

impl End {
    /// Every end.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Permanent, Self::Retryable];

    fn of(self, number: ClaimNumber) -> AttemptEnd {
        match self {
            Self::Completed => AttemptEnd::Completed {
                // OK because a number is always JSON.
                result: Some(to_raw_value(&number).expect("a number is JSON")),
            },
            Self::Permanent => AttemptEnd::Permanent {
                message: String::new(),
            },
            Self::Retryable => AttemptEnd::Retryable {
                message: String::new(),
                delay_ms: RETRY_DELAY_MS,
            },
        }
    }
}
