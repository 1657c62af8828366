//! A way between two processes that can be cut, as a network can be, and that can lead to another
//! process from one connection to the next, as a name can.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// Passes TCP connections on to an address, until it is cut. It ends with the test process.
pub struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
}

struct Way {
    /// The port that new connections are passed on to.
    port: AtomicU16,
    is_cut: Mutex<bool>,
    mended: Condvar,
}

impl Proxy {
    /// Passes connections on to this port of the loopback address.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let way = Arc::new(Way {
            port: AtomicU16::new(port),
            is_cut: Mutex::default(),
            mended: Condvar::new(),
        });
        let shared = Arc::clone(&way);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let port = shared.port.load(Ordering::SeqCst);
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                pass_on(&near, &far, &shared);
                pass_on(&far, &near, &shared);
            }
        });
        Self { address, way }
    }

    /// The port of the loopback address that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Passes new connections on to another port. Those that there are stay as they are.
    pub fn lead_to(&self, port: u16) {
        self.way.port.store(port, Ordering::SeqCst);
    }

    /// Passes nothing on any more, and tells neither side: as when a network drops packets.
    pub fn cut(&self) {
        *self
            .way
            .is_cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Passes on again, what was held back first.
    pub fn mend(&self) {
        *self
            .way
            .is_cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = false;
        self.way.mended.notify_all();
    }
}

fn pass_on(from: &TcpStream, to: &TcpStream, way: &Arc<Way>) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    let way = Arc::clone(way);
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(bytes @ 1..) = from.read(&mut buffer) {
            way.wait();
            if to.write_all(&buffer[..bytes]).is_err() {
                break;
            }
        }
        way.wait();
        // Either side may be gone already.
        let _ = to.shutdown(Shutdown::Both);
    });
}

impl Way {
    fn wait(&self) {
        let mut is_cut = self.is_cut.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_cut {
            is_cut = self
                .mended
                .wait(is_cut)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
