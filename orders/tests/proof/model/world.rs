//! The state of the model's world, and how writes land in it.

use super::core::{Author, ClaimNumber, Core, Standing};
use super::process::{Activity, Purpose, Step};

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct World {
    /// The stored record.
    pub record: Option<Core>,
    /// Whether the marker is there.
    pub marker: bool,
    /// The processors, and last the client who cancels.
    pub processes: Vec<Activity>,
    /// The client who submits.
    pub submitter: Submitter,
    /// What the client who cancels was told.
    pub cancellation: Cancellation,
    /// Whether the sweeper is about to remove the marker.
    pub sweeper_removes: bool,
    /// A swap that was reported failed and may still be applied.
    pub late: Option<Late>,
    /// The first write that broke a promise.
    pub offence: Option<Offence>,
}

/// Where the submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Submitter {
    /// It writes the marker and the record, in any order.
    Submitting {
        /// Whether the marker was written.
        marker: bool,
        /// Whether the record was written.
        record: bool,
    },
    /// Both are written. The client was told so; or was not, and the order is worked on all the same.
    Accepted,
    /// It died, or was told of an error, before both were written.
    Gone,
}

/// Where the cancellation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cancellation {
    /// Nobody has thought of it.
    NotAsked,
    /// Asked, and not answered (yet).
    Asked,
    /// The client was told that the order is cancelled.
    Done,
    /// The client was told that it is too late.
    Refused,
}

/// A swap on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Late {
    /// Why.
    pub purpose: Purpose,
    /// What it writes in the place of what is stored now.
    pub next: Core,
}

/// A write that breaks a promise, which the state that it leads to need not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offence {
    /// An order that had ended got another outcome.
    EndsTwice,
    /// Who does not hold the order changed it.
    IsStale,
    /// An order was claimed while another's lease held.
    Steals,
    /// A cancelled order became something else.
    Uncancels,
}

impl Submitter {
    /// After a write was applied. Without an answer it goes no further.
    pub fn after(self, answered: bool, has_marker: bool, has_record: bool) -> Self {
        match self {
            Self::Submitting { marker, record } => {
                match (marker || has_marker, record || has_record) {
                    (true, true) => Self::Accepted,
                    (marker, record) if answered => Self::Submitting { marker, record },
                    _ => Self::Gone,
                }
            }
            known => known,
        }
    }
}

impl World {
    /// Before the order is submitted.
    pub fn new(processors: usize) -> Self {
        Self {
            record: None,
            marker: false,
            // And the client who cancels.
            processes: vec![Activity::Idle; processors + 1],
            submitter: Submitter::Submitting {
                marker: false,
                record: false,
            },
            cancellation: Cancellation::NotAsked,
            sweeper_removes: false,
            late: None,
            offence: None,
        }
    }

    /// The number of the client who cancels.
    pub fn canceller(&self) -> usize {
        self.processes.len() - 1
    }

    /// Writes the record. Looks at whether that breaks a promise.
    pub fn write(&mut self, purpose: Purpose, next: Core) {
        if let Some(old) = &self.record {
            self.offence = self.offence.or(Offence::of(old, purpose, &next));
        }
        self.record = Some(next);
    }

    /// Refuses all swaps that compare with what was stored until now.
    ///
    /// They change nothing any more, whatever the store says of them, so who was about to swap
    /// is as well off reading again: this leaves out steps, and no behaviour.
    pub fn refuse_swaps(&mut self) {
        for process in &mut self.processes {
            if let Activity::Changing(_, step @ Step::Swap(_)) = process {
                *step = Step::Read;
            }
        }
        self.late = None;
    }

    /// Forgets which writes are of the process' present change: it turns to another, or dies.
    pub fn turn(&mut self, process: usize, activity: Activity) {
        let author = Author::Process(process);
        let late = self.late.as_mut().map(|late| &mut late.next);
        for core in self.record.as_mut().into_iter().chain(late) {
            if core.author == author {
                core.author = Author::Nobody;
            }
        }
        self.processes[process] = activity;
    }

    /// The same world with its processors in order. One is as good as another, so worlds that
    /// differ only in which is which are one to the checker.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let canceller = self.canceller();
        let mut order: Vec<_> = (0..canceller).collect();
        order.sort_by_key(|process| (&self.processes[*process], self.is_author(*process)));
        let new_number = |old: usize| order.iter().position(|number| *number == old);
        for core in self
            .record
            .iter_mut()
            .chain(self.late.as_mut().map(|late| &mut late.next))
        {
            if let Author::Process(process) = &mut core.author {
                *process = new_number(*process).unwrap_or(*process);
            }
        }
        let processes = order.iter().chain([&canceller]);
        self.processes = processes.map(|old| self.processes[*old].clone()).collect();
        for (number, process) in self.processes.iter_mut().enumerate() {
            if let Activity::Changing(_, Step::Swap(next)) = process {
                next.author = Author::Process(number);
            }
        }
        self
    }

    /// By which of the writes that can still be recognised the process is known.
    fn is_author(&self, process: usize) -> [bool; 2] {
        let by = |core: &Core| core.author == Author::Process(process);
        let late = self.late.as_ref();
        [
            self.record.as_ref().is_some_and(by),
            late.is_some_and(|late| by(&late.next)),
        ]
    }

    /// A number that no claim bears of which anybody may still know.
    pub fn fresh_claim(&self) -> ClaimNumber {
        let known = |number: &ClaimNumber| {
            let of_core = |core: &Core| core.attempts.iter().any(|run| run.claim == *number);
            let late = self.late.as_ref();
            self.record.as_ref().is_some_and(of_core)
                || late.is_some_and(|late| {
                    of_core(&late.next) || late.purpose.claim() == Some(*number)
                })
                || self.processes.iter().any(|process| match process {
                    Activity::Idle | Activity::Closing => false,
                    Activity::Working(claim) => claim == number,
                    Activity::Changing(purpose, step) => {
                        let next = match step {
                            Step::Read => None,
                            Step::Swap(next) => Some(next),
                        };
                        purpose.claim() == Some(*number) || next.is_some_and(of_core)
                    }
                })
        };
        // OK because each process, attempt and late write knows few claims.
        (0..=ClaimNumber::MAX)
            .find(|number| !known(number))
            .expect("a number that nobody knows")
    }

    /// Whether anybody but the submitter can know of the order.
    pub fn is_known(&self) -> bool {
        self.submitter == Submitter::Accepted
    }

    /// Whether a lease holds that could run out.
    pub fn lease_holds(&self) -> bool {
        let standing = self.record.as_ref().map(|core| core.standing);
        matches!(standing, Some(Standing::Processing { live: true, .. }))
    }

    /// Whether a retry waits.
    pub fn retry_waits(&self) -> bool {
        let standing = self.record.as_ref().map(|core| core.standing);
        standing == Some(Standing::Pending { due: false })
    }

    /// Whether the order has ended.
    pub fn has_ended(&self) -> bool {
        self.record.as_ref().is_some_and(Core::is_terminal)
    }
}

impl Offence {
    /// What is wrong with a write, if something is.
    fn of(old: &Core, purpose: Purpose, next: &Core) -> Option<Self> {
        let changes_ending = old.ending() != next.ending();
        if old.standing == Standing::Cancelled && next.standing != Standing::Cancelled {
            return Some(Self::Uncancels);
        }
        let stale = match (purpose, old.standing) {
            (Purpose::Claim(_), Standing::Processing { live: true, .. }) => {
                return Some(Self::Steals);
            }
            (
                Purpose::Renew(by) | Purpose::Settle(by, _) | Purpose::Release(by),
                Standing::Processing { claim, .. },
            ) => by != claim,
            // The note of a late outcome, and nothing else.
            (Purpose::Settle(..), Standing::Cancelled) => changes_ending,
            (Purpose::Renew(_) | Purpose::Settle(..) | Purpose::Release(_), _) => true,
            (Purpose::Claim(_) | Purpose::Cancel { .. }, _) => false,
        };
        if stale {
            return Some(Self::IsStale);
        }
        (old.is_terminal() && changes_ending).then_some(Self::EndsTwice)
    }
}
