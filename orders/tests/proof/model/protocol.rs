//! The protocol as the model's world goes through it.

use stateright::{Model, Property};

use super::Broken;
use super::action::{Action, Store, Turn};
use super::core::{Author, Core};
use super::process::{Activity, Decision, End, Purpose, Step};
use super::promises;
use super::world::{Cancellation, Late, Submitter, World};

/// The protocol, as large a world as it is checked in, and what is broken in it.
pub struct Protocol {
    pub processors: usize,
    pub attempts_max: u32,
    pub broken: Option<Broken>,
}

impl Protocol {
    /// The protocol as it is.
    pub fn sound(processors: usize, attempts_max: u32) -> Self {
        Self {
            processors,
            attempts_max,
            broken: None,
        }
    }

    /// The protocol with something left out, in a world that is large enough to show it.
    pub fn broken(broken: Broken) -> Self {
        Self {
            broken: Some(broken),
            ..Self::sound(2, 2)
        }
    }

    /// Takes the next step of a process.
    fn go(&self, world: &mut World, process: usize, store: Store) {
        match world.processes[process].clone() {
            Activity::Closing => {
                if store != Store::Fails {
                    world.marker = false;
                }
                if process == world.canceller() {
                    world.cancellation = Cancellation::Done;
                }
                world.turn(process, Activity::Idle);
            }
            Activity::Changing(purpose, Step::Read) => match store {
                Store::Fails => give_up(world, process, purpose),
                _ => self.read(world, process, purpose),
            },
            Activity::Changing(purpose, Step::Swap(next)) => {
                self.swap(world, process, (purpose, next), store);
            }
            Activity::Idle | Activity::Working(_) => {}
        }
    }

    /// Reads the record, and decides or recognises the own write.
    fn read(&self, world: &mut World, process: usize, mut purpose: Purpose) {
        let Some(core) = world.record.clone() else {
            return end(world, process, purpose, None);
        };
        if core.author == Author::Process(process) {
            return end(world, process, purpose, Some(&core));
        }
        match purpose.decide(&core, self.attempts_max, self.broken) {
            Decision::Write(mut next) => {
                next.author = Author::Process(process);
                world.processes[process] = Activity::Changing(purpose, Step::Swap(next));
            }
            Decision::Done => end(world, process, purpose, Some(&core)),
            Decision::Refuse => end(world, process, purpose, None),
        }
    }

    /// Swaps. Whatever the store says, the record is read again.
    fn swap(
        &self,
        world: &mut World,
        process: usize,
        (purpose, next): (Purpose, Core),
        store: Store,
    ) {
        world.processes[process] = Activity::Changing(purpose, Step::Read);
        let applied = matches!(store, Store::Obeys | Store::AppliesAndReportsFailure);
        if applied {
            self.write(world, purpose, next.clone());
        } else if store == Store::AppliesLate {
            let next = next.clone();
            world.late = Some(Late { purpose, next });
        }
        if self.broken == Some(Broken::BelievesTheStore) {
            match store {
                Store::Obeys | Store::RefusesAndReportsSuccess => {
                    end(world, process, purpose, Some(&next));
                }
                _ => give_up(world, process, purpose),
            }
        }
    }

    /// Writes the record; whoever read it before has an old value from now on.
    fn write(&self, world: &mut World, purpose: Purpose, next: Core) {
        world.write(purpose, next);
        if self.broken != Some(Broken::WritesBlindly) {
            world.refuse_swaps();
        }
    }

    /// Turns a working processor to something.
    fn begin(&self, world: &mut World, process: usize, turn: Turn) {
        let Activity::Working(number) = world.processes[process] else {
            return;
        };
        let purpose = match turn {
            Turn::Renewing => Purpose::Renew(number),
            Turn::Settling(end) => Purpose::Settle(number, end),
            Turn::Releasing => Purpose::Release(number),
        };
        if self.broken == Some(Broken::ClosesBeforeSettling) && matches!(turn, Turn::Settling(_)) {
            world.marker = false;
        }
        world.turn(process, Activity::Changing(purpose, Step::Read));
    }

    /// What a sweep takes a marker for that it may remove: left over by an order that has ended,
    /// or by a submission that cannot write its record any more, because a grace time is over.
    pub fn marker_is_of_no_use(&self, world: &World) -> bool {
        let abandoned = world.record.is_none()
            && (world.submitter == Submitter::Gone
                || self.broken == Some(Broken::SweepsWithoutGrace));
        world.marker && (world.has_ended() || abandoned)
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.processors)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if let Submitter::Submitting { marker, record } = world.submitter {
            for answered in [false, true] {
                if !marker {
                    actions.push(Action::SubmitsMarker { answered });
                }
                if !record {
                    actions.push(Action::SubmitsRecord { answered });
                }
            }
            actions.push(Action::SubmitterDies);
        }
        for (number, process) in world.processes.iter().enumerate() {
            match process {
                Activity::Idle if number == world.canceller() => {
                    if world.cancellation == Cancellation::NotAsked && world.is_known() {
                        actions.push(Action::AsksToCancel);
                    }
                    continue;
                }
                Activity::Idle => {
                    if world.is_known() {
                        actions.push(Action::IsDispatched(number));
                    }
                    continue;
                }
                Activity::Working(_) => {
                    actions.push(Action::Begins(number, Turn::Renewing));
                    actions.push(Action::Begins(number, Turn::Releasing));
                    let ends = End::ALL.map(|end| Action::Begins(number, Turn::Settling(end)));
                    actions.extend(ends);
                }
                Activity::Changing(_, Step::Swap(_)) => {
                    let late = world.late.is_none().then_some(Store::AppliesLate);
                    let stores = Store::AT_ONCE.into_iter().chain(late);
                    actions.extend(stores.map(|store| Action::Goes(number, store)));
                }
                Activity::Changing(_, Step::Read) | Activity::Closing => {
                    actions.push(Action::Goes(number, Store::Obeys));
                    actions.push(Action::Goes(number, Store::Fails));
                }
            }
            actions.push(Action::Dies(number));
        }
        let others = [
            (world.lease_holds(), Action::LeaseRunsOut),
            (world.retry_waits(), Action::RetryComesDue),
            (world.late.is_some(), Action::LateSwapLands),
            (world.late.is_some(), Action::LateSwapIsLost),
            (self.marker_is_of_no_use(world), Action::SweepFindsMarker),
            (world.sweeper_removes, Action::SweepRemovesMarker),
        ];
        let possible = others.into_iter().filter(|(possible, _)| *possible);
        actions.extend(possible.map(|(_, action)| action));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::SubmitsMarker { answered } => {
                next.marker = true;
                next.submitter = next.submitter.after(answered, true, next.record.is_some());
            }
            Action::SubmitsRecord { answered } => {
                next.record = Some(Core::accepted());
                next.submitter = next.submitter.after(answered, next.marker, true);
            }
            Action::SubmitterDies => next.submitter = Submitter::Gone,
            Action::IsDispatched(process) => {
                let purpose = Purpose::Claim(next.fresh_claim());
                next.turn(process, Activity::Changing(purpose, Step::Read));
            }
            Action::Begins(process, turn) => self.begin(&mut next, process, turn),
            Action::AsksToCancel => {
                next.cancellation = Cancellation::Asked;
                let purpose = Purpose::Cancel { was_open: false };
                next.turn(world.canceller(), Activity::Changing(purpose, Step::Read));
            }
            Action::Goes(process, store) => self.go(&mut next, process, store),
            Action::Dies(process) => next.turn(process, Activity::Idle),
            Action::LeaseRunsOut | Action::RetryComesDue => {
                let core = next.record.as_mut()?;
                core.standing = core.standing.later();
            }
            Action::LateSwapLands => {
                let late = next.late.take()?;
                self.write(&mut next, late.purpose, late.next);
            }
            Action::LateSwapIsLost => next.late = None,
            Action::SweepFindsMarker => next.sweeper_removes = true,
            Action::SweepRemovesMarker => {
                next.sweeper_removes = false;
                next.marker = false;
            }
        }
        (next != *world).then(|| next.in_order())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::properties()
    }
}

/// Goes on after a change that was made, or refused.
fn end(world: &mut World, process: usize, purpose: Purpose, made: Option<&Core>) {
    let terminal = made.is_some_and(Core::is_terminal);
    let activity = match (purpose, made) {
        (_, Some(_)) if terminal => Activity::Closing,
        // Also when the claim is lost: what the work gives is reported all the same.
        (Purpose::Claim(number), Some(_)) | (Purpose::Renew(number), _) => {
            Activity::Working(number)
        }
        (Purpose::Cancel { .. }, None) => {
            world.cancellation = Cancellation::Refused;
            Activity::Idle
        }
        _ => Activity::Idle,
    };
    world.turn(process, activity);
}

/// Goes on after the store failed more often than is tried again.
fn give_up(world: &mut World, process: usize, purpose: Purpose) {
    let activity = match purpose {
        // Tried again under the same name of the write, until the lease is over.
        Purpose::Settle(..) => Activity::Changing(purpose, Step::Read),
        Purpose::Renew(number) => Activity::Working(number),
        Purpose::Claim(_) | Purpose::Release(_) | Purpose::Cancel { .. } => Activity::Idle,
    };
    if matches!(purpose, Purpose::Settle(..)) {
        world.processes[process] = activity;
    } else {
        world.turn(process, activity);
    }
}
