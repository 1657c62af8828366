//! A server that the processor sends to: orders, with `work = "http"`, or notifications of their end. Each
//! test gives its answers, byte for byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::context::Context;
use crate::{Setup, until};

/// A worker, or a receiver of notifications, which answers as the test says.
pub struct WorkerServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl WorkerServer {
    /// One that listens.
    pub fn start() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// One that listens at an address where nobody does.
    pub fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the port is free");
        // So that waiting for a connection can end.
        listener
            .set_nonblocking(true)
            .expect("a listener can be asked");
        let address = listener.local_addr().expect("it has an address");
        Self { listener, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its origin.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The settings of a host that sends orders to `/work` here.
    pub fn setup(&self) -> Setup {
        Setup::new()
            .variable("work", "http")
            .variable("worker_url", &format!("{}/work?of=shop", self.origin()))
            .variable("worker_origin", &self.origin())
    }

    /// The settings of a host that tells `/hook` here of the end of every order, signed with `secret`; its
    /// orders may say how their work goes.
    pub fn notified(&self, secret: &str) -> Setup {
        Setup::controlled()
            .variable("notify_url", &format!("{}/hook?of=shop", self.origin()))
            .variable("notify_origin", &self.origin())
            .variable("notify_secret", secret)
    }

    /// The next request, once all of it has come.
    pub fn next(&self) -> WorkerCall {
        until("the processor to send a request", || self.next_now())
    }

    /// The next request, if one has come.
    pub fn next_now(&self) -> Option<WorkerCall> {
        self.accept().map(WorkerCall::read)
    }

    /// Whether another request has come.
    pub fn is_asked(&self) -> bool {
        self.accept().is_some()
    }

    fn accept(&self) -> Option<TcpStream> {
        match self.listener.accept() {
            Ok((connection, _)) => Some(connection),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("a worker cannot accept connections: {error}"),
        }
    }
}

/// A request that a worker has got and has not answered.
pub struct WorkerCall {
    connection: TcpStream,
    head: String,
    body: Vec<u8>,
}

impl WorkerCall {
    /// Reads the head of a request, and its body by the length that the head tells.
    fn read(mut connection: TcpStream) -> Self {
        let remaining = Context::current().remaining("a request to the worker");
        // OK because the time that remains is not zero.
        connection
            .set_read_timeout(Some(remaining))
            .expect("a time-out can be set");
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            if let Some((head, body)) = whole_request(&received) {
                return Self {
                    connection,
                    head,
                    body,
                };
            }
            let bytes = connection.read(&mut buffer).expect("the processor sends");
            let so_far = String::from_utf8_lossy(&received);
            assert!(bytes > 0, "the request broke off after `{so_far}`");
            received.extend_from_slice(&buffer[..bytes]);
        }
    }

    /// Its first line.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// Its headers, by their names as they were sent.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.lines().filter_map(|line| line.split_once(": "))
    }

    /// The value of a header; none if it is not there.
    pub fn header(&self, name: &str) -> Option<&str> {
        header_in(&self.head, name)
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends bytes of the answer. A processor that has read enough of it is gone, which is no fault.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.connection.write_all(bytes.as_ref());
    }

    /// Sends the answer, and closes the connection.
    pub fn answer(mut self, bytes: impl AsRef<[u8]>) {
        self.send(bytes);
    }

    /// Waits until the processor closes the connection.
    pub fn wait_until_closed(mut self) {
        let mut rest = Vec::new();
        match self.connection.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "the processor sends nothing more"),
            // A reset is a way to close as well.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
    }
}

/// The head and the body of a request, if all of it has come.
fn whole_request(received: &[u8]) -> Option<(String, Vec<u8>)> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let mut windows = received.windows(END_OF_HEAD.len());
    let end = windows.position(|bytes| bytes == END_OF_HEAD)?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let body = &received[end + END_OF_HEAD.len()..];
    if header_in(&head, "transfer-encoding") == Some("chunked") {
        return Some((head, whole_chunks(body)?));
    }
    let length = header_in(&head, "content-length").unwrap_or("0");
    let length: usize = length.parse().expect("a length is a number");
    (body.len() >= length).then(|| (head, body.to_vec()))
}

/// A body that was sent in chunks (RFC 9112 §7.1), if all of it has come.
fn whole_chunks(mut received: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = received.windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = std::str::from_utf8(&received[..end]).expect("a chunk's size is text");
        let size = usize::from_str_radix(size, 16).expect("a chunk's size is a number");
        if size == 0 {
            return Some(body);
        }
        let chunk = received.get(end + 2..)?;
        body.extend_from_slice(chunk.get(..size)?);
        received = chunk.get(size + 2..)?;
    }
}

fn header_in<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = headers.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    assert!(
        values.next().is_none(),
        "header `{name}` is there more than once in `{head}`"
    );
    Some(value)
}
