//! The state of the model's world, and how writes land in it.

use super::core::{Author, ClaimNumber, Core, Standing};
use super::process::{Activity, Place, Purpose, Search, Step};

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that has happened, and none excludes another"
)]
pub struct World {
    /// The record among those of open orders.
    pub open: Option<Core>,
    /// The record among those of ended ones.
    pub ended: Option<Core>,
    /// The marker of a protocol that keeps one apart from the record.
    pub marker: Marker,
    /// The processors, and last the client who cancels.
    pub processes: Vec<Activity>,
    /// Whether the order has been accepted.
    pub accepted: bool,
    /// What the client who cancels was told.
    pub cancellation: Cancellation,
    /// A reader who has found nothing yet.
    pub reader: Option<Search>,
    /// Whether the order ended so long ago that nobody needs its record any more.
    pub retention_is_over: bool,
    /// Whether the expirer is about to remove what it has read.
    pub expirer_removes: bool,
    /// Whether the host has been replaced.
    pub has_restarted: bool,
    /// A swap that was reported failed and may still be applied.
    pub late: Option<Late>,
    /// The first outcome that was ever recorded.
    pub outcome: Option<(Standing, Vec<Option<&'static str>>)>,
    /// The first step that broke a promise.
    pub offence: Option<Offence>,
}

/// The marker of a protocol that keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marker {
    /// It is not written yet, or never.
    Unwritten,
    /// It is there.
    There,
    /// It was removed.
    Removed,
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
    /// Where.
    pub place: Place,
    /// What it writes in the place of what is stored there now.
    pub next: Core,
}

/// What breaks a promise, and need not show in the state that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offence {
    /// An order that had ended got another outcome, or none.
    EndsTwice,
    /// Who does not hold the order changed it.
    IsStale,
    /// A cancelled order became something else.
    Uncancels,
    /// An order failed because an attempt was lost that had company.
    FailsInCompany,
    /// Somebody looked for the order, and took it for one that does not exist.
    IsMissed,
}

impl World {
    /// Before the order is submitted.
    pub fn new(processors: usize) -> Self {
        Self {
            open: None,
            ended: None,
            marker: Marker::Unwritten,
            // And the client who cancels.
            processes: vec![Activity::Idle; processors + 1],
            accepted: false,
            cancellation: Cancellation::NotAsked,
            reader: None,
            retention_is_over: false,
            expirer_removes: false,
            has_restarted: false,
            late: None,
            outcome: None,
            offence: None,
        }
    }

    /// The number of the client who cancels.
    pub fn canceller(&self) -> usize {
        self.processes.len() - 1
    }

    /// What is stored there.
    pub fn at(&mut self, place: Place) -> &mut Option<Core> {
        match place {
            Place::Open => &mut self.open,
            Place::Ended => &mut self.ended,
        }
    }

    /// Writes the record. Looks at whether that breaks a promise.
    pub fn write(&mut self, place: Place, next: Option<Core>, by: Option<Purpose>) {
        if let Some(next) = &next {
            if let (Some(old), Some(purpose)) = (&*self.at(place), by) {
                let offence = Offence::of(old, purpose, next);
                self.offence = self.offence.or(offence);
            }
            match &self.outcome {
                None => self.outcome = next.ending(),
                Some(_) if next.ending() == self.outcome => {}
                Some((Standing::Cancelled, _)) if next.standing != Standing::Cancelled => {
                    self.offence.get_or_insert(Offence::Uncancels);
                }
                Some(_) => _ = self.offence.get_or_insert(Offence::EndsTwice),
            }
        }
        *self.at(place) = next;
    }

    /// Somebody has looked everywhere for the order and found nothing.
    pub fn is_not_found(&mut self) {
        if self.accepted && !self.retention_is_over {
            self.offence.get_or_insert(Offence::IsMissed);
        }
    }

    /// Refuses all swaps that compare with what was stored there until now.
    ///
    /// They change nothing any more, whatever the store says of them, so who was about to swap
    /// is as well off reading again: this leaves out steps, and no behaviour.
    pub fn refuse_swaps(&mut self, at: Place) {
        for process in &mut self.processes {
            if let Activity::Changing(_, step) = process
                && matches!(step, Step::Swap(place, _) if *place == at)
            {
                *step = Step::Read(Search::BEGINS);
            }
        }
        self.late.take_if(|late| late.place == at);
    }

    /// Forgets which writes are of the process' present change: it turns to another, or dies.
    pub fn turn(&mut self, process: usize, activity: Activity) {
        self.processes[process] = activity;
        self.rename(|author| (author != process).then_some(author));
    }

    /// Names the authors of all writes that can still be recognised anew.
    fn rename(&mut self, new: impl Fn(usize) -> Option<usize>) {
        let moved = self
            .processes
            .iter_mut()
            .filter_map(|process| match process {
                Activity::Moving(core, _) => Some(core),
                _ => None,
            });
        let late = self.late.as_mut().map(|late| &mut late.next);
        let stored = self.open.as_mut().into_iter().chain(&mut self.ended);
        for core in stored.chain(late).chain(moved) {
            if let Author::Process(process) = core.author {
                core.author = new(process).map_or(Author::Nobody, Author::Process);
            }
        }
    }

    /// The same world with its processors in order. One is as good as another, so worlds that
    /// differ only in which is which are one to the checker.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let canceller = self.canceller();
        let mut order: Vec<_> = (0..canceller).collect();
        order.sort_by_key(|process| (&self.processes[*process], self.is_author(*process)));
        if order.is_sorted() {
            return self;
        }
        let processes = order.iter().chain([&canceller]);
        self.processes = processes.map(|old| self.processes[*old].clone()).collect();
        let new_number = |old: usize| order.iter().position(|number| *number == old);
        self.rename(|old| new_number(old).or(Some(old)));
        self
    }

    /// By which of the writes that can still be recognised the process is known.
    fn is_author(&self, process: usize) -> [bool; 3] {
        let by = |core: &Core| core.author == Author::Process(process);
        [
            self.open.as_ref().is_some_and(by),
            self.ended.as_ref().is_some_and(by),
            self.late.as_ref().is_some_and(|late| by(&late.next)),
        ]
    }

    /// A number that no claim bears of which anybody may still know.
    pub fn fresh_claim(&self) -> ClaimNumber {
        let of_core = |core: &Core, number| core.attempts.iter().any(|run| run.claim == number);
        let known = |number: ClaimNumber| {
            let mut stored = self.open.iter().chain(&self.ended);
            stored.any(|core| of_core(core, number))
                || self.late.as_ref().is_some_and(|late| {
                    of_core(&late.next, number) || late.purpose.claim() == Some(number)
                })
                || self.processes.iter().any(|process| match process {
                    Activity::Idle => false,
                    Activity::Moving(core, _) => of_core(core, number),
                    Activity::Working(claim) => *claim == number,
                    Activity::Changing(purpose, step) => {
                        let swaps = matches!(step, Step::Swap(_, next) if of_core(next, number));
                        purpose.claim() == Some(number) || swaps
                    }
                })
        };
        // OK because each process, attempt and late write knows few claims.
        (0..=ClaimNumber::MAX)
            .find(|number| !known(*number))
            .expect("a number that nobody knows")
    }

    /// The host ends, with all that it does, and the next knows that it is alone.
    pub fn restart(&mut self) {
        for process in 0..self.processes.len() {
            self.turn(process, Activity::Idle);
        }
        self.late = None;
        self.reader = None;
        self.expirer_removes = false;
        self.has_restarted = true;
        for core in self.open.iter_mut().chain(&mut self.ended) {
            core.restart();
        }
    }
}

impl Offence {
    /// What is wrong with a write, if something is; whether it changes an outcome is seen apart.
    fn of(old: &Core, purpose: Purpose, next: &Core) -> Option<Self> {
        let stale = match (purpose, old.standing) {
            (
                Purpose::Renew(by) | Purpose::Settle(by, _) | Purpose::Release(by),
                Standing::Processing { claim, .. },
            ) => by != claim,
            // The note of a late outcome, and nothing else.
            (Purpose::Settle(..), Standing::Cancelled) => next.ending() != old.ending(),
            (Purpose::Renew(_) | Purpose::Settle(..) | Purpose::Release(_), _) => true,
            (Purpose::Claim(..), Standing::Processing { .. }) => {
                let had_company = old.attempts.last().is_some_and(|run| !run.alone);
                return (next.standing == Standing::Failed && had_company)
                    .then_some(Self::FailsInCompany);
            }
            (Purpose::Claim(..) | Purpose::Cancel, _) => false,
        };
        stale.then_some(Self::IsStale)
    }
}
