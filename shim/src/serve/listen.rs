//! Connections: accepting them, bounding their number, and letting them end in good order.

use super::service::Server;
use crate::config::Fault;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a connection beyond the limit is told.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

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

/// Serves until `stop` resolves, and then until every connection has finished its request.
pub(crate) async fn serve(
    listener: Listener,
    server: Arc<Server>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = listener.into_tokio()?;
    let connections = Arc::new(Semaphore::new(server.limits.connections_max));
    let graceful = GracefulShutdown::new();
    let http = http(&server);
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => match connections.clone().try_acquire_owned() {
                    Ok(permit) => connect(stream, &http, &server, &graceful, permit),
                    Err(_) => refuse(stream),
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
        () = stop => {}
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

fn http(server: &Server) -> http1::Builder {
    let limits = &server.limits;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_seconds_max))
        .max_buf_size(limits.header_bytes_max)
        // Answers to pipelined requests go out together.
        .pipeline_flush(true);
    http
}

fn connect(
    stream: TcpStream,
    http: &http1::Builder,
    server: &Arc<Server>,
    graceful: &GracefulShutdown,
    permit: OwnedSemaphorePermit,
) {
    // Answers are small and written whole: waiting to fill a packet only delays them. If it
    // cannot be set, they come a little later.
    let _ = stream.set_nodelay(true);
    let server = server.clone();
    let service = service_fn(move |request| {
        let server = server.clone();
        async { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The client's doing: it went away, was silent too long, or spoke no HTTP.
            tracing::debug!(error = error.to_string(), "a connection ended early");
        }
        drop(permit);
    });
}

fn refuse(mut stream: TcpStream) {
    tokio::spawn(async move {
        // OK to ignore: who does not wait for the answer does not need it.
        let _ = stream.write_all(BUSY).await;
    });
}
