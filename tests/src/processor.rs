//! A processor whose variables are faulty, played by a server of a test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// An address at which nobody answers at first, so that a host starts, and then a processor that
/// says that its `lease_seconds` is wrong. It ends with the test process.
pub struct FaultyProcessor {
    address: SocketAddr,
}

impl FaultyProcessor {
    /// Finds an address, and does not answer there yet.
    pub fn start_later() -> Self {
        let place = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = place.local_addr().expect("it has an address");
        Self { address }
    }

    /// The value of `processor_url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers from now on.
    pub fn answer(&self) {
        let listener = TcpListener::bind(self.address).expect("the port is still free");
        thread::spawn(move || listener.incoming().flatten().for_each(answer));
    }
}

fn answer(mut stream: TcpStream) {
    let Ok(reading) = stream.try_clone() else {
        return;
    };
    let head = BufReader::new(reading).lines().map_while(Result::ok);
    head.take_while(|line| !line.is_empty()).for_each(drop);
    let body = r#"{"status":503,"faults":[{"variable":"lease_seconds","detail":"it is wrong"}]}"#;
    let length = body.len();
    // A client that is gone needs no answer.
    let _ = write!(
        stream,
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}
