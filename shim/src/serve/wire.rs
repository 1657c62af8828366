//! A client's connection as bytes: what is written must be taken in time, whether the client is
//! still there can be asked while nothing is read, and closing does not cut off the last answer.

use rustix::net::{Shutdown, sockopt};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout, timeout_at};

/// How long a connection is silent before the system asks whether the other machine lives, and
/// how long it waits between the times that it asks.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// How often it asks in vain.
const KEEPALIVE_PROBES: u32 = 3;

/// How much the system keeps, about, of what a client has not received. By default it is megabytes,
/// for which a client that never reads could have answers made, and memory taken, on each connection.
const UNREAD_BYTES: usize = 128 * 1024;

/// How long what a client sends after its last answer is read and thrown away.
const LINGER_MAX: Duration = Duration::from_secs(30);
/// For how long the client may be silent meanwhile.
const LINGER_SILENCE_MAX: Duration = Duration::from_secs(5);

/// How often a client is looked after whose next request hides whether its connection has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A connection, shared by what speaks HTTP on it and what watches over it.
#[derive(Clone)]
pub(super) struct Line(Arc<TcpStream>);

impl Line {
    /// Takes a connection over.
    pub(super) fn new(stream: TcpStream) -> Self {
        // Answers are small and written whole: waiting to fill a packet only delays them. OK to
        // ignore what cannot be set: answers come a little later then, a machine that vanished
        // is noticed when something is written to it, and the system keeps more for who does not read.
        let _ = stream.set_nodelay(true);
        let _ = sockopt::set_socket_keepalive(&stream, true)
            .and_then(|()| sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE))
            .and_then(|()| sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL))
            .and_then(|()| sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_PROBES))
            .and_then(|()| sockopt::set_socket_send_buffer_size(&stream, UNREAD_BYTES));
        Self(Arc::new(stream))
    }

    /// The address at which the client found this machine.
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Resolves once there is something to read, if only the end.
    pub(super) async fn readable(&self) {
        // OK to ignore: a connection that fails is read, too, to learn of it.
        let _ = self.0.readable().await;
    }

    /// Resolves once the client has closed its side, or the connection is broken.
    ///
    /// One side may be closed by a client that still reads (RFC 9112, section 9.6): it is owed an
    /// answer, but nothing that takes its time.
    pub(super) async fn closed_by_client(&self) {
        loop {
            match self.0.peek(&mut [0]).await {
                Ok(0) | Err(_) => return,
                // The next request lies before the end, if that has come.
                Ok(_) => match self.0.ready(Interest::READABLE).await {
                    Ok(ready) if !ready.is_read_closed() => sleep(LOOK_AGAIN).await,
                    _ => return,
                },
            }
        }
    }

    /// Closes this side, and goes on reading for a while: a system that has anything unread when a
    /// connection is closed takes back what the client has not read yet (RFC 9112, section 9.6).
    pub(super) async fn linger(&self) {
        if shut_down(&self.0).is_err() {
            return;
        }
        let until = Instant::now() + LINGER_MAX;
        let mut thrown_away = Vec::new();
        let discard = async {
            while let Ok(Ok(())) = timeout(LINGER_SILENCE_MAX, self.0.readable()).await {
                thrown_away.resize(16 * 1024, 0);
                match self.0.try_read(&mut thrown_away) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        };
        // OK to ignore: the time is over, or the client has closed.
        let _ = timeout_at(until, discard).await;
    }

    /// Writes an answer that needs no question, and closes.
    pub(super) async fn dismiss(&self, mut answer: &[u8]) {
        while !answer.is_empty() && self.0.writable().await.is_ok() {
            match self.0.try_write(answer) {
                Ok(bytes) => answer = &answer[bytes..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
        self.linger().await;
    }
}

fn shut_down(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::shutdown(stream, Shutdown::Write)?)
}

/// The end of a connection that speaks HTTP.
pub(super) struct Wire {
    line: Line,
    /// How long the client may take nothing of what is written to it.
    stall_max: Duration,
    /// Runs while it takes nothing; made when that first happens.
    stall: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(line: Line, stall_max: Duration) -> Self {
        Self {
            line,
            stall_max,
            stall: None,
        }
    }

    /// Writes by `write`, which says that it would block if it cannot.
    fn poll_write_by(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        while let Poll::Ready(ready) = self.line.0.poll_write_ready(cx) {
            ready?;
            match write(&self.line.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.stall = None;
                    return Poll::Ready(written);
                }
            }
        }
        let stall_max = self.stall_max;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(stall_max)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.line.0.poll_read_ready(cx))?;
            match self.line.0.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_by(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_by(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The system has what was written.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shut_down(&self.line.0))
    }
}
