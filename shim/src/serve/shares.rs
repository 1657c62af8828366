//! Clients told apart by their address, so that one of them cannot take what is there for all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

/// How many of something each client has, of which none may have more than so many.
#[derive(Clone)]
pub(super) struct Shares(Arc<Inner>);

struct Inner {
    /// What one client may have.
    max: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One of them, until it is dropped.
pub(super) struct Share {
    shares: Shares,
    client: IpAddr,
}

impl Shares {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Inner {
            max,
            taken: Mutex::default(),
        }))
    }

    /// Takes one for the client at `address`, unless it has as many as it may.
    pub(super) fn take(&self, address: IpAddr) -> Option<Share> {
        let client = network(address);
        let mut taken = self.taken();
        let count = taken.entry(client).or_default();
        if *count >= self.0.max {
            // An entry of none is not left behind.
            if *count == 0 {
                taken.remove(&client);
            }
            return None;
        }
        *count += 1;
        Some(Share {
            shares: self.clone(),
            client,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // OK because nothing panics while it holds the lock.
        self.0.taken.lock().expect("shares are never poisoned")
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.taken();
        if let Some(count) = taken.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

/// What one client is known by: the address, of which an IPv6 network has too many to count, so
/// that there it is the network (RFC 6177: a site gets a /64 at least).
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_client_has_its_own_share_and_can_have_it_again() {
        let shares = Shares::new(1);
        let first = shares.take(address("192.0.2.1")).expect("a first");
        assert!(shares.take(address("192.0.2.1")).is_none());
        assert!(shares.take(address("::ffff:192.0.2.1")).is_none());
        assert!(shares.take(address("192.0.2.2")).is_some());
        drop(first);
        assert!(shares.take(address("192.0.2.1")).is_some());
        assert!(shares.taken().is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let shares = Shares::new(1);
        let _first = shares.take(address("2001:db8::1")).expect("a first");
        assert!(shares.take(address("2001:db8::2")).is_none());
        assert!(shares.take(address("2001:db8:0:1::1")).is_some());
    }
}
