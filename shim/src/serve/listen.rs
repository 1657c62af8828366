//! Connections: accepting them, bounding their number, and letting them end in good order.

use super::peer::Peer;
use super::service::Server;
use super::shares::{Share, Shares};
use super::wire::{Line, Wire};
use crate::fault::Fault;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What a connection beyond the limit is told.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a connection beyond its client's share is told.
const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How many connections are told at once why they are refused; others are closed unanswered.
const REFUSALS_MAX: usize = 256;
/// How long that may take.
const REFUSAL_MAX: Duration = Duration::from_secs(1);

/// How many connections are taken in one turn. Between two turns all goes on that can, so that however
/// many come at once, those who have a connection are served as soon as before, or nearly.
const TAKEN_PER_TURN: usize = 8;

/// How many connections may wait to be taken, as far as the system allows it. Beyond, a client is left
/// unheard, and tries again after one second, and then after two more.
const BACKLOG: i32 = 4096;

/// A bound address.
pub(crate) struct Listener {
    socket: std::net::TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// How long to wait after the system refused to accept, which it does when files run out.
    pub(crate) const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

    /// Binds what the argument `name` says.
    pub(crate) fn bind(name: &str, listen: &str) -> Result<Self, Fault> {
        let addresses = listen.to_socket_addrs().map_err(|error| {
            Fault::new(format!(
                "`{listen}` is no address to listen on: {error}; write {name} as HOST:PORT, such as 127.0.0.1:3000"
            ))
        })?;
        let bound =
            std::net::TcpListener::bind(&addresses.collect::<Vec<_>>()[..]).and_then(|socket| {
                socket.set_nonblocking(true)?;
                rustix::net::listen(&socket, BACKLOG)?;
                let address = socket.local_addr()?;
                Ok(Self { socket, address })
            });
        bound.map_err(|error| {
            Fault::new(match error.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "cannot listen on `{listen}`: it is in use; stop what uses it, or choose another with {name}"
                ),
                _ => format!("cannot listen on `{listen}`: {error}; choose another with {name}"),
            })
        })
    }

    /// The real address, also where port 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The socket, for the runtime that this is called on.
    pub(crate) fn into_tokio(self) -> io::Result<TcpListener> {
        TcpListener::from_std(self.socket)
    }
}

/// Serves until the server is stopped, and then until every connection has finished its request.
pub(crate) async fn serve(listener: Listener, server: Arc<Server>) -> io::Result<()> {
    let listener = listener.into_tokio()?;
    let door = Door::new(&server);
    let graceful = GracefulShutdown::new();
    let http = http(&server);
    let accept = async {
        let mut taken = 0;
        loop {
            if taken == TAKEN_PER_TURN {
                tokio::task::yield_now().await;
                taken = 0;
            }
            taken += 1;
            match listener.accept().await {
                Ok((stream, address)) => match door.admit(address.ip()) {
                    Ok(entry) => connect(stream, address, &http, &server, &graceful, entry),
                    Err(refusal) => door.refuse(stream, refusal),
                },
                Err(error) => {
                    tracing::warn!(error = error.to_string(), "cannot accept connections");
                    tokio::time::sleep(Listener::ACCEPT_AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        never = accept => never,
        () = server.stopped() => {}
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

/// How many connections there may be, in all and of one client.
struct Door {
    server: Arc<Server>,
    connections: Arc<Semaphore>,
    shares: Shares,
    refusals: Arc<Semaphore>,
}

/// A connection that was let in, until it is dropped.
struct Entry {
    _connection: OwnedSemaphorePermit,
    /// None for a proxy, which brings the connections of many.
    _share: Option<Share>,
}

impl Door {
    fn new(server: &Arc<Server>) -> Self {
        let limits = &server.limits;
        let connections_max = limits.connections_max.min(Semaphore::MAX_PERMITS);
        Self {
            connections: Arc::new(Semaphore::new(connections_max)),
            shares: Shares::new(limits.peer_connections_max),
            refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
            server: server.clone(),
        }
    }

    /// Lets a connection in, or returns the answer that refuses it.
    fn admit(&self, address: IpAddr) -> Result<Entry, &'static [u8]> {
        let share = match self.shares.take(address) {
            Some(share) => Some(share),
            None if self.server.proxies.trust(address) => None,
            None => return Err(TOO_MANY_CONNECTIONS),
        };
        let connection = self.connections.clone().try_acquire_owned();
        Ok(Entry {
            _connection: connection.map_err(|_| BUSY)?,
            _share: share,
        })
    }

    /// Says why a connection is refused, unless that is said to too many at once already.
    fn refuse(&self, stream: TcpStream, refusal: &'static [u8]) {
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else {
            return;
        };
        tokio::spawn(async move {
            // OK to ignore: who does not wait for the answer does not need it.
            let _ = timeout(REFUSAL_MAX, Line::new(stream).dismiss(refusal)).await;
            drop(permit);
        });
    }
}

fn http(server: &Server) -> http1::Builder {
    let limits = &server.limits;
    let mut http = http1::Builder::new();
    // Answers to pipelined requests are not gathered (`pipeline_flush`): hyper sends none of them
    // while anything is unread, such as what follows a last request or makes no sense.
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_seconds_max))
        .max_buf_size(limits.header_bytes_max)
        // Who has said all may still be listening (RFC 9112, section 9.6).
        .half_close(true);
    http
}

fn connect(
    stream: TcpStream,
    address: SocketAddr,
    http: &http1::Builder,
    server: &Arc<Server>,
    graceful: &GracefulShutdown,
    entry: Entry,
) {
    let line = Line::new(stream);
    let Ok(peer) = Peer::new(line.clone(), address) else {
        return;
    };
    let stall_max = Duration::from_secs(server.limits.write_seconds_max);
    let wire = TokioIo::new(Wire::new(line.clone(), stall_max));
    let silence_max = Duration::from_secs(server.limits.header_seconds_max);
    let (server, stopped) = (server.clone(), server.stopped.clone());
    let service = service_fn(move |request| {
        let (server, peer) = (server.clone(), peer.clone());
        async { Ok::<_, Infallible>(server.answer(request, peer).await) }
    });
    let (http, watcher) = (http.clone(), graceful.watcher());
    let silent = line.clone();
    let spoken = async move {
        // HTTP takes buffers, which most connections of a crowd that says nothing do not need.
        let begins = tokio::select! {
            begins = timeout(silence_max, silent.readable()) => begins.is_ok(),
            () = stopped.wait() => false,
        };
        if begins {
            watcher.watch(http.serve_connection(wire, service)).await
        } else {
            Ok(())
        }
    };
    tokio::spawn(async move {
        if let Err(error) = spoken.await {
            // The client's doing: it went away, was silent too long, or spoke no HTTP.
            tracing::debug!(error = error.to_string(), "a connection ended early");
        }
        line.linger().await;
        drop(entry);
    });
}
