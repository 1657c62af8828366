//! What the processes of the model do: each goes through the protocol in steps, one operation of the
//! store each, between which anything may happen.

use protocol::{AttemptEnd, Event};
use serde_json::value::to_raw_value;

use super::Broken;
use super::core::{ClaimNumber, Core, Lease, RETRY_DELAY_MS, Standing, claim, tenure, token};

/// Where a record is looked for, one place after the other, as `update` does it.
const PLACES: &[Place] = &[Place::Open, Place::Ended, Place::Open, Place::Ended];
/// The same in a way that can miss it.
const ENDED_FIRST: &[Place] = &[Place::Ended, Place::Open];

/// One of the two keys that a record can be under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// That of an open order.
    Open,
    /// That of one that has ended.
    Ended,
}

/// A search through the places: how many have been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Search(usize);

impl Search {
    /// Before the first look.
    pub const BEGINS: Self = Self(0);

    /// Where to look now.
    pub fn place(self, broken: Option<Broken>) -> Place {
        Self::places(broken)[self.0]
    }

    /// The search after nothing was found here, unless it is over.
    pub fn goes_on(self, broken: Option<Broken>) -> Option<Self> {
        let next = self.0 + 1;
        (next < Self::places(broken).len()).then_some(Self(next))
    }

    fn places(broken: Option<Broken>) -> &'static [Place] {
        if broken == Some(Broken::LooksAmongTheEndedFirst) {
            ENDED_FIRST
        } else {
            PLACES
        }
    }
}

/// What a process is at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// Nothing; a dispatch may come.
    Idle,
    /// It changes the record.
    Changing(Purpose, Step),
    /// It works, under this claim, as far as it knows.
    Working(ClaimNumber),
    /// It moves this record to where the ended ones are; the first of the two writes is made, or not.
    Moving(Core, bool),
}

/// Why the record is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To claim the order, for an attempt that has its instance to itself, or not.
    Claim(ClaimNumber, bool),
    /// To renew the lease.
    Renew(ClaimNumber),
    /// To end the attempt.
    Settle(ClaimNumber, End),
    /// To hand the order back.
    Release(ClaimNumber),
    /// To cancel the order.
    Cancel,
}

/// How an attempt ends. (One that fails for good differs from one that is completed in its name.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Completed.
    Completed,
    /// To be tried again.
    Retryable,
}

/// Where a change stands: the loop of `update`, between whose reads and swaps others go on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The record is to be read, for the first time or to see what became of the swap.
    Read(Search),
    /// This is to be swapped in, in the place of what is stored there now.
    Swap(Place, Core),
}

/// What a process decides when it has read the record.
pub enum Decision {
    /// It is to be this from now on.
    Write(Core),
    /// The change cannot be made.
    Refuse,
    /// It is so already.
    Done,
}

impl Purpose {
    /// The decision of the protocol on `core`, by the production function alone; or that of a
    /// protocol that is broken.
    pub fn decide(
        self,
        core: &Core,
        attempts_max: u32,
        lease: Lease,
        broken: Option<Broken>,
    ) -> Decision {
        let event = match self {
            Self::Claim(number, alone) => {
                return match lost(core, attempts_max, lease, broken) {
                    Some(lost) if lost.is_terminal() => Decision::Write(lost),
                    lost => {
                        let claim = claim(number);
                        let core = lost.as_ref().unwrap_or(core);
                        let claimed = Event::Claimed { claim, alone };
                        decision(core.apply(&claimed, attempts_max, lease))
                    }
                };
            }
            Self::Renew(number) => Event::Renewed {
                claim: claim(number),
                progress: None,
            },
            Self::Settle(number, end) => {
                let held_by = match (broken, core.standing) {
                    (Some(Broken::SettlesWithoutFence), Standing::Processing { claim, .. }) => {
                        claim
                    }
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
            Self::Cancel
                if core.standing == Standing::Cancelled
                    && broken != Some(Broken::CancelForgetsItself) =>
            {
                return Decision::Done;
            }
            Self::Cancel => Event::Cancelled,
        };
        decision(core.apply(&event, attempts_max, lease))
    }

    /// The claim that this is done under.
    pub fn claim(self) -> Option<ClaimNumber> {
        match self {
            Self::Claim(number, _)
            | Self::Renew(number)
            | Self::Settle(number, _)
            | Self::Release(number) => Some(number),
            Self::Cancel => None,
        }
    }
}

/// The record after the loss of its attempt, if that is known to be lost.
fn lost(core: &Core, attempts_max: u32, lease: Lease, broken: Option<Broken>) -> Option<Core> {
    let mut core = core.clone();
    if broken == Some(Broken::LossInCompanyFails)
        && let Some(run) = core.attempts.last_mut()
    {
        run.alone = true;
    }
    let knows_tenure = broken != Some(Broken::IgnoresTenure);
    let interrupted = knows_tenure.then_some(Event::Interrupted {
        tenure: tenure(false),
    });
    interrupted
        .into_iter()
        .chain([Event::LeaseExpired])
        .find_map(|event| core.apply(&event, attempts_max, lease).ok())
}

fn decision<E>(applied: Result<Core, E>) -> Decision {
    applied.map_or(Decision::Refuse, Decision::Write)
}

impl End {
    /// Every end.
    pub const ALL: [Self; 2] = [Self::Completed, Self::Retryable];

    fn of(self, number: ClaimNumber) -> AttemptEnd {
        match self {
            Self::Completed => AttemptEnd::Completed {
                // OK because a number is always JSON.
                result: Some(to_raw_value(&number).expect("a number is JSON")),
            },
            Self::Retryable => AttemptEnd::Retryable {
                error: String::new().into(),
                delay_ms: RETRY_DELAY_MS,
            },
        }
    }
}
