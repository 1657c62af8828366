//! A connection on which any bytes can be sent, for requests that no HTTP client would send.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::Host;
use crate::context::Context;

/// A TCP connection to a host.
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects.
    pub fn open(host: &Host) -> Self {
        let stream = TcpStream::connect(host.address()).expect("the host accepts connections");
        let remaining = Context::current().remaining("a connection");
        // OK because the time that remains is not zero.
        stream
            .set_read_timeout(Some(remaining))
            .expect("a time-out can be set");
        Self(stream)
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0
            .write_all(bytes.as_ref())
            .expect("the host takes what is sent");
    }

    /// As [`send`](Self::send), to a host that may have closed the connection.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(bytes.as_ref())
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        self.0
            .shutdown(Shutdown::Write)
            .expect("one half of a connection can be closed");
    }

    /// Reads until the end of an answer's head, and returns it with what came along of its content.
    pub fn read_head(&mut self) -> String {
        self.read_until("\r\n\r\n")
    }

    /// As [`read_head`](Self::read_head), from a host that may close the connection before.
    pub fn try_read_head(&mut self) -> Option<String> {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        while !received.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            match self.0.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(bytes) => received.extend_from_slice(&buffer[..bytes]),
            }
        }
        Some(String::from_utf8_lossy(&received).into_owned())
    }

    /// Reads until `text` has come, and returns it with what came before and along.
    pub fn read_until(&mut self, text: &str) -> String {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        while !received
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
        {
            let bytes = self.0.read(&mut buffer).expect("the host answers");
            let so_far = String::from_utf8_lossy(&received);
            assert!(
                bytes > 0,
                "expected {text:?}, found the end of the connection after `{so_far}`"
            );
            received.extend_from_slice(&buffer[..bytes]);
        }
        String::from_utf8_lossy(&received).into_owned()
    }

    /// Reads until the host closes the connection, and returns all that came.
    pub fn read_to_end(&mut self) -> String {
        let mut received = Vec::new();
        // A host may reset a connection on which it has left something unread.
        let _ = self.0.read_to_end(&mut received);
        String::from_utf8_lossy(&received).into_owned()
    }
}
