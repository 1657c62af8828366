//! What is promised of every state that the model's world can come to.

use stateright::{Model as _, Property};

use super::action::{Action, Store, Turn};
use super::core::Standing;
use super::process::{Activity, End};
use super::protocol::Protocol;
use super::world::{Cancellation, Offence, Submitter, World};

pub const ENDS: &str = "an accepted order ends";
pub const ONCE: &str = "at most one outcome is ever recorded";
pub const STALE: &str = "a stale processor never overwrites";
pub const STOLEN: &str = "an order is not claimed while a lease holds";
pub const CANCELLED: &str = "a cancelled order stays cancelled";
pub const TOLD: &str = "a client who cancels is told the truth";

/// More steps than one undisturbed recovery takes, all attempts included.
const RECOVERY_STEPS_MAX: usize = 40;

/// Every promise; and that the model is not vacuous, because each end can be reached.
pub fn properties() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ENDS, |protocol: &Protocol, world: &World| {
            world.submitter != Submitter::Accepted || protocol.recovers(world)
        }),
        Property::always(ONCE, |_, world: &World| {
            world.offence != Some(Offence::EndsTwice)
        }),
        Property::always(STALE, |_, world: &World| {
            world.offence != Some(Offence::IsStale)
        }),
        Property::always(STOLEN, |_, world: &World| {
            world.offence != Some(Offence::Steals)
        }),
        Property::always(CANCELLED, |_, world: &World| {
            world.offence != Some(Offence::Uncancels)
        }),
        Property::always(TOLD, |_, world: &World| {
            let standing = world.record.as_ref().map(|core| core.standing);
            let is_cancelled = standing == Some(Standing::Cancelled);
            match world.cancellation {
                Cancellation::NotAsked | Cancellation::Asked => true,
                Cancellation::Done => is_cancelled,
                Cancellation::Refused => !is_cancelled,
            }
        }),
        Property::sometimes("an order is completed", |_, world: &World| {
            let standing = world.record.as_ref().map(|core| core.standing);
            matches!(standing, Some(Standing::Completed { .. }))
        }),
        Property::sometimes("an order fails", |_, world: &World| {
            world
                .record
                .as_ref()
                .is_some_and(|core| core.standing == Standing::Failed)
        }),
        Property::sometimes("a late outcome is noted", |_, world: &World| {
            let runs = world.record.iter().flat_map(|core| &core.attempts);
            runs.into_iter().any(|run| run.late)
        }),
    ]
}

impl Protocol {
    /// Whether the order ends if all processes die now, and from then on nothing goes wrong.
    fn recovers(&self, world: &World) -> bool {
        let mut world = world.clone();
        for process in 0..world.processes.len() {
            world.turn(process, Activity::Idle);
        }
        world.late = None;
        world.sweeper_removes = false;
        for _ in 0..RECOVERY_STEPS_MAX {
            if world.has_ended() && !world.marker {
                return true;
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
        match &world.processes[0] {
            Activity::Changing(..) | Activity::Closing => Some(Action::Goes(0, Store::Obeys)),
            Activity::Working(_) => Some(Action::Begins(0, Turn::Settling(End::Completed))),
            Activity::Idle if world.sweeper_removes => Some(Action::SweepRemovesMarker),
            Activity::Idle if self.marker_is_of_no_use(world) => Some(Action::SweepFindsMarker),
            Activity::Idle if world.lease_holds() => Some(Action::LeaseRunsOut),
            Activity::Idle if world.retry_waits() => Some(Action::RetryComesDue),
            // By a sweep, which finds open orders by their markers.
            Activity::Idle => world.marker.then_some(Action::IsDispatched(0)),
        }
    }
}
