//! Who is at the other end of a connection.

use super::wire::Line;
use http::uri::Authority;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// The machine at the other end, which may be a proxy, and the address at which it found this one.
#[derive(Clone)]
pub(super) struct Peer {
    line: Line,
    pub(super) address: IpAddr,
    pub(super) found_at: Authority,
}

impl Peer {
    /// # Errors
    /// If the connection is gone already.
    pub(super) fn new(line: Line, address: SocketAddr) -> io::Result<Self> {
        let found_at = line.local_address()?.to_string();
        Ok(Self {
            line,
            address: address.ip(),
            // OK to fail, though it does not: a socket's address is written as URIs have it.
            found_at: Authority::try_from(found_at).map_err(io::Error::other)?,
        })
    }

    /// See [`Line::closed_by_client`].
    pub(super) async fn closed_by_client(&self) {
        self.line.closed_by_client().await;
    }
}
