//! The protocol as the model's world goes through it.

use std::collections::HashSet;
use std::sync::RwLock;

use stateright::{Model, Property};

use super::Broken;
use super::action::{Action, Store, Turn};
use super::core::{Author, Core, Lease};
use super::process::{Activity, Decision, End, Place, Purpose, Search, Step};
use super::promises::{self, Rest};
use super::world::{Cancellation, Late, Marker, World};

/// The protocol, as large a world as it is checked in, and what is broken in it.
pub struct Protocol {
    pub processors: usize,
    pub attempts_max: u32,
    /// What may happen beside work on the order and its cancellation.
    pub features: &'static [Feature],
    pub broken: Option<Broken>,
    /// What is known to end if it is left alone.
    pub ending: RwLock<HashSet<Rest>>,
}

/// Something that may happen in a world. Each multiplies the states, and not all matter to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A swap is applied long after it was reported failed.
    LateSwaps,
    /// Attempts have company.
    Company,
    /// The host is replaced.
    Restarts,
    /// The store reports no swap done that it did not do, and is believed.
    ExactSwaps,
    /// What has ended is moved, by whoever ended it and by sweeps; is read meanwhile; and is removed.
    Moves,
}

impl Feature {
    /// All that may happen on a store that need not be believed.
    pub const ALL: &[Self] = &[Self::LateSwaps, Self::Company, Self::Restarts, Self::Moves];
}

impl Protocol {
    /// The protocol as it is.
    pub fn sound(processors: usize, attempts_max: u32, features: &'static [Feature]) -> Self {
        Self {
            processors,
            attempts_max,
            features,
            broken: None,
            ending: RwLock::default(),
        }
    }

    /// The protocol with something left out, in a world that is large enough to show it.
    pub fn broken(broken: Broken) -> Self {
        Self {
            broken: Some(broken),
            ..Self::sound(2, 2, Feature::ALL)
        }
    }

    /// Whether this is what is broken.
    pub fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    /// Whether this may happen.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Takes the next step of a process, which is no look at the record.
    fn go(&self, world: &mut World, process: usize, store: Store) {
        match world.processes[process].clone() {
            Activity::Moving(record, half) => self.move_on(world, process, record, half),
            // The store fails, and more often than is tried again.
            Activity::Changing(purpose, Step::Read(_)) => give_up(world, process, purpose),
            Activity::Changing(purpose, Step::Swap(place, next)) => {
                let next = Core {
                    author: Author::Process(process),
                    ..next
                };
                let late = Late {
                    purpose,
                    place,
                    next,
                };
                self.swap(world, process, late, store);
            }
            Activity::Idle | Activity::Working(_) => {}
        }
    }

    /// Looks for the record at the next place; and decides, or recognises the own write.
    fn read(&self, world: &mut World, process: usize, lease: Lease) {
        let Activity::Changing(purpose, Step::Read(search)) = world.processes[process] else {
            return;
        };
        let place = search.place(self.broken);
        let Some(core) = world.at(place).clone() else {
            if let Some(search) = search.goes_on(self.broken) {
                world.processes[process] = Activity::Changing(purpose, Step::Read(search));
            } else {
                world.is_not_found();
                world.turn(process, Activity::Idle);
            }
            return;
        };
        if core.author == Author::Process(process) {
            return end(world, process, purpose, Some(core));
        }
        match purpose.decide(&core, self.attempts_max, lease, self.broken) {
            Decision::Write(next) => {
                world.processes[process] = Activity::Changing(purpose, Step::Swap(place, next));
            }
            Decision::Done => end(world, process, purpose, Some(core)),
            Decision::Refuse => end(world, process, purpose, None),
        }
    }

    /// Swaps. Whatever the store says, the record is read again; but for a store that is believed.
    fn swap(&self, world: &mut World, process: usize, swap: Late, store: Store) {
        let Late { purpose, next, .. } = swap.clone();
        let again = Step::Read(Search::BEGINS);
        world.processes[process] = Activity::Changing(purpose, again);
        match store {
            Store::Obeys | Store::AppliesAndReportsFailure => self.apply(world, swap),
            Store::AppliesLate => world.late = Some(swap),
            Store::Fails | Store::RefusesAndReportsSuccess => {}
        }
        if self.has(Feature::ExactSwaps) && store == Store::Obeys {
            end(world, process, purpose, Some(next));
        } else if self.is(Broken::BelievesTheStore) {
            match store {
                Store::Obeys | Store::RefusesAndReportsSuccess => {
                    end(world, process, purpose, Some(next));
                }
                _ => give_up(world, process, purpose),
            }
        }
    }

    /// Swaps the record; whoever read it before has an old value from now on.
    fn apply(&self, world: &mut World, swap: Late) {
        world.write(swap.place, Some(swap.next), Some(swap.purpose));
        if !self.is(Broken::WritesBlindly) {
            world.refuse_swaps(swap.place);
        }
    }

    /// Makes one of the two writes by which a record is moved.
    fn move_on(&self, world: &mut World, process: usize, record: Core, half: bool) {
        let deletes = half != self.is(Broken::MovesByDeletingFirst);
        if deletes {
            world.write(Place::Open, None, None);
            world.refuse_swaps(Place::Open);
        } else if world.ended.as_ref() != Some(&record) {
            world.write(Place::Ended, Some(record.clone()), None);
            world.refuse_swaps(Place::Ended);
        }
        if half {
            world.turn(process, Activity::Idle);
        } else {
            world.processes[process] = Activity::Moving(record, true);
        }
    }

    /// Turns a working processor to something.
    fn begin(world: &mut World, process: usize, turn: Turn) {
        let Activity::Working(number) = world.processes[process] else {
            return;
        };
        let purpose = match turn {
            Turn::Renewing => Purpose::Renew(number),
            Turn::Settling(end) => Purpose::Settle(number, end),
            Turn::Releasing => Purpose::Release(number),
        };
        change(world, process, purpose);
    }

    /// Where the expirer finds something to remove.
    fn expires(&self, world: &World) -> Option<Place> {
        let ended = world.ended.is_some() && world.retention_is_over;
        match self.broken {
            // A record is among the ended ones at once, and was submitted long before, perhaps.
            Some(Broken::RetentionCountsFromSubmission) => {
                world.ended.as_ref().map(|_| Place::Ended)
            }
            Some(Broken::RetentionTouchesOpenOrders) => world.open.as_ref().map(|_| Place::Open),
            _ => ended.then_some(Place::Ended),
        }
    }

    /// What each process can do.
    fn act(&self, world: &World, number: usize, actions: &mut Vec<Action>) {
        match &world.processes[number] {
            Activity::Idle => {
                if !world.accepted {
                } else if number < world.canceller() {
                    actions.push(Action::IsDispatched(number, true));
                    if self.has(Feature::Company) {
                        actions.push(Action::IsDispatched(number, false));
                    }
                    if self.has(Feature::Moves)
                        && world.open.as_ref().is_some_and(Core::is_terminal)
                    {
                        actions.push(Action::BeginsToMove(number));
                    }
                } else if world.cancellation == Cancellation::NotAsked {
                    actions.push(Action::AsksToCancel);
                }
                return;
            }
            Activity::Working(_) => {
                actions.push(Action::Begins(number, Turn::Renewing));
                actions.push(Action::Begins(number, Turn::Releasing));
                let ends = End::ALL.map(|end| Action::Begins(number, Turn::Settling(end)));
                actions.extend(ends);
            }
            Activity::Changing(_, Step::Swap(..)) => {
                let may_be_late = self.has(Feature::LateSwaps) && world.late.is_none();
                let late = may_be_late.then_some(Store::AppliesLate);
                let lies = |store: &Store| *store == Store::RefusesAndReportsSuccess;
                let stores = Store::AT_ONCE.into_iter().chain(late);
                let stores = stores.filter(|store| !(self.has(Feature::ExactSwaps) && lies(store)));
                actions.extend(stores.map(|store| Action::Goes(number, store)));
            }
            Activity::Changing(purpose, Step::Read(_)) => {
                if matches!(purpose, Purpose::Claim(..)) {
                    actions.push(Action::Reads(number, Lease::Holds));
                }
                actions.push(Action::Reads(number, Lease::IsOver));
                actions.push(Action::Goes(number, Store::Fails));
            }
            Activity::Moving(..) if !self.has(Feature::Moves) => {}
            // If the store fails it is as if the process died; so also if it only says so.
            Activity::Moving(..) => actions.push(Action::Goes(number, Store::Obeys)),
        }
        actions.push(Action::Dies(number));
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.processors)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if !world.accepted {
            actions.push(match (self.is(Broken::KeepsMarkersApart), world.marker) {
                (true, Marker::Unwritten) => Action::SubmitsMarker,
                _ => Action::Submits,
            });
            if world.marker == Marker::There {
                actions.push(Action::SweepsMarker);
            }
            return;
        }
        for number in 0..world.processes.len() {
            self.act(world, number, actions);
        }
        let has_late = world.late.is_some();
        let restarts = self.has(Feature::Restarts) && !world.has_restarted;
        let retention_ends =
            self.has(Feature::Moves) && world.outcome.is_some() && !world.retention_is_over;
        let others = [
            (restarts, Action::Restarts),
            (has_late, Action::LateSwapLands),
            (has_late, Action::LateSwapIsLost),
            (self.has(Feature::Moves), Action::ReaderLooks),
            (retention_ends, Action::RetentionEnds),
            (
                !world.expirer_removes && self.expires(world).is_some(),
                Action::ExpirerReads,
            ),
            (world.expirer_removes, Action::ExpirerRemoves),
            (world.expirer_removes, Action::ExpirerDies),
        ];
        let possible = others.into_iter().filter(|(possible, _)| *possible);
        actions.extend(possible.map(|(_, action)| action));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Submits => {
                next.accepted = true;
                next.open = Some(Core::accepted());
            }
            Action::SubmitsMarker => next.marker = Marker::There,
            Action::SweepsMarker => next.marker = Marker::Removed,
            Action::IsDispatched(process, alone) => {
                let purpose = Purpose::Claim(next.fresh_claim(), alone);
                change(&mut next, process, purpose);
            }
            Action::BeginsToMove(process) => {
                let record = next.open.clone()?;
                next.turn(process, Activity::Moving(record, false));
            }
            Action::Begins(process, turn) => Self::begin(&mut next, process, turn),
            Action::AsksToCancel => {
                next.cancellation = Cancellation::Asked;
                change(&mut next, world.canceller(), Purpose::Cancel);
            }
            Action::Goes(process, store) => self.go(&mut next, process, store),
            Action::Reads(process, lease) => self.read(&mut next, process, lease),
            Action::Dies(process) => next.turn(process, Activity::Idle),
            Action::Restarts => next.restart(),
            Action::LateSwapLands => {
                let late = next.late.take()?;
                self.apply(&mut next, late);
            }
            Action::LateSwapIsLost => next.late = None,
            Action::ReaderLooks => {
                let search = next.reader.take().unwrap_or(Search::BEGINS);
                if next.at(search.place(self.broken)).is_none() {
                    next.reader = search.goes_on(self.broken);
                    if next.reader.is_none() {
                        next.is_not_found();
                    }
                }
            }
            Action::RetentionEnds => next.retention_is_over = true,
            Action::ExpirerReads => next.expirer_removes = true,
            Action::ExpirerRemoves => {
                next.expirer_removes = false;
                let place = match self.broken {
                    Some(Broken::RetentionTouchesOpenOrders) => Place::Open,
                    _ => Place::Ended,
                };
                next.write(place, None, None);
                next.refuse_swaps(place);
            }
            Action::ExpirerDies => next.expirer_removes = false,
        }
        (next != *world).then(|| next.in_order())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::properties()
    }
}

fn change(world: &mut World, process: usize, purpose: Purpose) {
    let begins = Step::Read(Search::BEGINS);
    world.turn(process, Activity::Changing(purpose, begins));
}

/// Goes on after a change that was made, or refused.
fn end(world: &mut World, process: usize, purpose: Purpose, made: Option<Core>) {
    if purpose == Purpose::Cancel {
        world.cancellation = match made {
            Some(_) => Cancellation::Done,
            None => Cancellation::Refused,
        };
    }
    let activity = match (purpose, made) {
        (_, Some(record)) if record.is_terminal() => Activity::Moving(record, false),
        // Also when the claim is lost: what the work gives is reported all the same.
        (Purpose::Claim(number, _), Some(_)) | (Purpose::Renew(number), _) => {
            Activity::Working(number)
        }
        _ => Activity::Idle,
    };
    world.turn(process, activity);
}

/// Goes on after the store failed more often than is tried again.
fn give_up(world: &mut World, process: usize, purpose: Purpose) {
    match purpose {
        // Tried again under the same name of the write, until the lease is over.
        Purpose::Settle(..) => {
            let again = Step::Read(Search::BEGINS);
            world.processes[process] = Activity::Changing(purpose, again);
        }
        Purpose::Renew(number) => world.turn(process, Activity::Working(number)),
        Purpose::Claim(..) | Purpose::Release(_) | Purpose::Cancel => {
            world.turn(process, Activity::Idle);
        }
    }
}
