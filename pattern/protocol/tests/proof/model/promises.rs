//! What is promised of every state that the model's world can come to.

use stateright::{Model as _, Property};

use super::Broken;
use super::action::{Action, Store, Turn};
use super::core::{Core, Lease, Standing};
use super::process::{Activity, End, Step};
use super::protocol::{Feature, Protocol};
use super::world::{Cancellation, Marker, Offence, World};

pub const ENDS: &str = "an accepted order ends";
pub const ONCE: &str = "at most one outcome is ever recorded";
pub const STALE: &str = "a stale processor never overwrites";
pub const CANCELLED: &str = "a cancelled order stays cancelled";
pub const TOLD: &str = "a client who cancels is told the truth";
pub const FOUND: &str = "an accepted order is found until its retention is over";
pub const COMPANY: &str = "an attempt lost in company fails no order";

/// More steps than one undisturbed recovery takes, all attempts included.
const RECOVERY_STEPS_MAX: usize = 40;

/// What a recovery begins with when all processes have died: the two records, the marker, and whether
/// retention is over.
pub type Rest = (Option<Core>, Option<Core>, Marker, bool);

/// Every promise; and that the model is not vacuous, because each end can be reached.
pub fn properties() -> Vec<Property<Protocol>> {
    fn never(world: &World, offence: Offence) -> bool {
        world.offence != Some(offence)
    }
    vec![
        Property::always(ENDS, |protocol: &Protocol, world: &World| {
            !world.accepted || protocol.recovers(world)
        }),
        Property::always(ONCE, |_, world| never(world, Offence::EndsTwice)),
        Property::always(STALE, |_, world| never(world, Offence::IsStale)),
        Property::always(CANCELLED, |_, world| never(world, Offence::Uncancels)),
        Property::always(FOUND, |_, world| never(world, Offence::IsMissed)),
        Property::always(COMPANY, |_, world| never(world, Offence::FailsInCompany)),
        Property::always(TOLD, |_, world: &World| {
            let is_cancelled = ended_as(world, |standing| standing == Standing::Cancelled);
            match world.cancellation {
                Cancellation::NotAsked | Cancellation::Asked => true,
                Cancellation::Done => is_cancelled,
                Cancellation::Refused => world.outcome.is_some() && !is_cancelled,
            }
        }),
        Property::sometimes("an order is completed", |_, world: &World| {
            ended_as(world, |standing| {
                matches!(standing, Standing::Completed { .. })
            })
        }),
        Property::sometimes("an order fails", |_, world: &World| {
            ended_as(world, |standing| standing == Standing::Failed)
        }),
        Property::sometimes(
            "an attempt is interrupted",
            |protocol: &Protocol, world: &World| {
                let mut runs = world.open.iter().flat_map(|core| &core.attempts);
                let interrupted = runs.any(|run| run.outcome == Some("interrupted"));
                interrupted || !protocol.has(Feature::Restarts)
            },
        ),
        Property::sometimes("a late outcome is noted", |_, world: &World| {
            let mut runs = world.open.iter().flat_map(|core| &core.attempts);
            runs.any(|run| run.late)
        }),
        Property::sometimes(
            "an order is removed",
            |protocol: &Protocol, world: &World| {
                let removed =
                    world.retention_is_over && world.open.is_none() && world.ended.is_none();
                removed || !protocol.has(Feature::Moves)
            },
        ),
    ]
}

fn ended_as(world: &World, is: impl Fn(Standing) -> bool) -> bool {
    world.outcome.as_ref().is_some_and(|(end, _)| is(*end))
}

impl Protocol {
    /// Whether the order ends, and is moved, if all processes die now, and from then on nothing goes wrong.
    fn recovers(&self, world: &World) -> bool {
        let mut world = world.clone();
        for process in 0..world.processes.len() {
            world.turn(process, Activity::Idle);
        }
        world.late = None;
        world.reader = None;
        world.expirer_removes = false;
        let rest = (
            world.open.clone(),
            world.ended.clone(),
            world.marker,
            world.retention_is_over,
        );
        // OK because nobody panics with the lock.
        if self.ending.read().expect("not poisoned").contains(&rest) {
            return true;
        }
        let ends = self.ends_undisturbed(world);
        if ends {
            self.ending.write().expect("not poisoned").insert(rest);
        }
        ends
    }

    fn ends_undisturbed(&self, mut world: World) -> bool {
        for _ in 0..RECOVERY_STEPS_MAX {
            let is_idle = |process: &Activity| *process == Activity::Idle;
            if world.open.is_none() && world.processes.iter().all(is_idle) {
                return world.ended.is_some() || world.retention_is_over;
            }
            let next = self
                .undisturbed(&world)
                .and_then(|action| self.next_state(&world, action));
            match next {
                Some(next) => world = next,
                None => return false,
            }
        }
        false
    }

    /// What happens next when nothing goes wrong, and only the first processor is there.
    fn undisturbed(&self, world: &World) -> Option<Action> {
        // The others are idle, and idle processes come first.
        let process = world.canceller() - 1;
        let open = world.open.as_ref();
        match &world.processes[process] {
            Activity::Changing(_, Step::Swap(..)) | Activity::Moving(..) => {
                Some(Action::Goes(process, Store::Obeys))
            }
            Activity::Changing(_, Step::Read(_)) => {
                // A claim of the tenure before is dead at once; that of this one when its lease is over.
                let waits = open.is_some_and(Core::is_of_this_tenure);
                let lease = if waits { Lease::IsOver } else { Lease::Holds };
                Some(Action::Reads(process, lease))
            }
            Activity::Working(_) => Some(Action::Begins(process, Turn::Settling(End::Completed))),
            Activity::Idle if open.is_some_and(Core::is_terminal) => {
                Some(Action::BeginsToMove(process))
            }
            // By a sweep, which finds open orders by their keys.
            Activity::Idle => {
                let is_listed =
                    world.marker == Marker::There || !self.is(Broken::KeepsMarkersApart);
                is_listed.then_some(Action::IsDispatched(process, true))
            }
        }
    }
}
