//! Clients who ask that their answer be held, or streamed: how many there may be at once, in all
//! and of one client.
//!
//! A component counts those of one instance alone. All of them are counted here, so that those who
//! wait leave room for those who only ask.

use super::problem::Problem;
use super::shares::{Share, Shares};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for those who wait.
pub(super) struct Waiters {
    places: Arc<Semaphore>,
    shares: Shares,
}

/// A place, until it is dropped.
pub(super) struct Place {
    _place: OwnedSemaphorePermit,
    _share: Share,
}

impl Waiters {
    pub(super) fn new(waiters_max: usize, peer_waiters_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(waiters_max.min(Semaphore::MAX_PERMITS))),
            shares: Shares::new(peer_waiters_max),
        }
    }

    /// Takes a place for the client at `address`.
    pub(super) fn admit(&self, address: IpAddr) -> Result<Place, Problem> {
        let share = self.shares.take(address).ok_or(Problem::WaitsTooOften)?;
        let place = self.places.clone().try_acquire_owned();
        Ok(Place {
            _place: place.map_err(|_| Problem::TooManyWaiters)?,
            _share: share,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let waiters = Waiters::new(1, 1);
        let other = Ipv4Addr::new(192, 0, 2, 1).into();
        let place = waiters.admit(Ipv4Addr::LOCALHOST.into());
        assert_eq!(waiters.admit(other).err(), Some(Problem::TooManyWaiters));
        drop(place);
        assert!(waiters.admit(other).is_ok());
    }

    #[test]
    fn one_client_cannot_have_all_places() {
        let waiters = Waiters::new(2, 1);
        let _place = waiters.admit(Ipv4Addr::LOCALHOST.into());
        let again = waiters.admit(Ipv4Addr::LOCALHOST.into());
        assert_eq!(again.err(), Some(Problem::WaitsTooOften));
        assert!(waiters.admit(Ipv4Addr::new(192, 0, 2, 1).into()).is_ok());
    }
}
