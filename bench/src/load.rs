//! The load: many connections that send prepared requests and time the answers.
//!
//! Requests are bytes that are sent as they are, and of an answer only its end, its status and
//! its location are looked for, so that the load takes as little as it can of the cores that it
//! shares with what it measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// How many connections a closed load has: what the targets were set with.
pub const CONNECTIONS: usize = 64;

/// What to send, to whom, and how.
#[derive(Clone)]
pub struct Load {
    /// Who answers; connections are spread over them.
    pub addresses: Vec<SocketAddr>,
    /// Sent in turn by every connection, each beginning elsewhere.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// The statuses that are right.
    pub statuses: &'static [u16],
    pub connections: usize,
    pub pace: Pace,
}

/// When a connection sends its next request, and when the load ends.
#[derive(Clone, Copy)]
pub enum Pace {
    /// When the last one is answered, for that long.
    Closed(Duration),
    /// When the last one is answered, until so many are answered in all.
    Count(usize),
    /// So many a second in all, for that long. An answer's time counts from when its request was
    /// due, so that a host which stalls is charged for all that it keeps waiting.
    Open(u32, Duration),
}

/// An answer: when its request was due, and how long it took.
#[derive(Clone, Copy)]
pub struct Answered {
    pub due: Instant,
    pub took: Duration,
}

/// What came of a load.
#[derive(Default)]
pub struct Measured {
    pub answers: Vec<Answered>,
    pub elapsed: Duration,
    /// Where the status of every order is that was accepted.
    pub locations: Vec<String>,
    /// The last of them on each connection.
    pub latest: Vec<String>,
}

impl Load {
    /// Sends the load, on this thread, and returns when all of it is answered.
    ///
    /// # Errors
    /// If a connection fails, or an answer has a status that is not right.
    pub fn send(&self) -> Result<Measured> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        let began = Instant::now();
        let connections = LocalSet::new();
        let tasks: Vec<_> = (0..self.connections)
            .map(|index| connections.spawn_local(self.clone().serve(index, began)))
            .collect();
        runtime.block_on(connections);
        let mut all = Measured::default();
        for task in tasks {
            let measured = runtime.block_on(task).context("a connection panicked")??;
            all.answers.extend(measured.answers);
            all.latest.extend(measured.locations.last().cloned());
            all.locations.extend(measured.locations);
        }
        all.elapsed = began.elapsed();
        Ok(all)
    }

    /// One connection.
    async fn serve(self, index: usize, began: Instant) -> Result<Measured> {
        let address = self.addresses[index % self.addresses.len()];
        let mut connection = Connection::open(address).await?;
        let mut measured = Measured::default();
        for turn in 0.. {
            let Some(due) = self.due(index, turn, began) else {
                break;
            };
            let due = if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
                // Timers are late by up to a millisecond, for which the host is not charged.
                Instant::now()
            } else {
                due
            };
            let request = &self.requests[(index * 7919 + turn) % self.requests.len()];
            let head = connection.ask(request, self.statuses).await?;
            measured.locations.extend(head.location);
            measured.answers.push(Answered {
                due,
                took: due.elapsed(),
            });
        }
        Ok(measured)
    }

    /// When the connection's `turn` is; none if the load has ended by then.
    fn due(&self, index: usize, turn: usize, began: Instant) -> Option<Instant> {
        let now = Instant::now();
        match self.pace {
            Pace::Closed(duration) => (now < began + duration).then_some(now),
            Pace::Count(count) => {
                let share =
                    count / self.connections + usize::from(index < count % self.connections);
                (turn < share).then_some(now)
            }
            Pace::Open(per_second, duration) => {
                let interval = Duration::from_secs(1) / per_second;
                // OK because a load does not last for weeks.
                let number =
                    u32::try_from(turn * self.connections + index).expect("a small number");
                let offset = interval * number;
                (offset < duration).then_some(began + offset)
            }
        }
    }
}

impl Measured {
    /// Answers a second.
    pub fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let answers = self.answers.len() as f64;
        answers / self.elapsed.as_secs_f64()
    }

    /// The time within which so many per cent of answers came.
    pub fn percentile(&self, percent: usize) -> Duration {
        percentile(self.answers.iter(), percent)
    }
}

/// The time within which so many per cent of these answers came.
pub fn percentile<'a>(answers: impl Iterator<Item = &'a Answered>, percent: usize) -> Duration {
    let mut times: Vec<_> = answers.map(|answer| answer.took).collect();
    times.sort_unstable();
    let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(index).copied().unwrap_or_default()
}

/// What is looked for in an answer's head.
pub struct Head {
    pub status: u16,
    pub location: Option<String>,
}

/// A connection that is kept open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let buffer = Vec::with_capacity(16 * 1024);
        Ok(Self { stream, buffer })
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// If the connection fails, or the answer's status is none of these.
    pub async fn ask(&mut self, request: &[u8], statuses: &[u16]) -> Result<Head> {
        let sent = self.stream.write_all(request).await;
        sent.context("cannot send")?;
        let head = answer(&mut self.stream, &mut self.buffer).await?;
        if !statuses.contains(&head.status) {
            bail!(
                "expected one of {statuses:?}, found {}: {}",
                head.status,
                String::from_utf8_lossy(&self.buffer)
            );
        }
        Ok(head)
    }
}

/// Reads one whole answer into `buffer`.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Head> {
    buffer.clear();
    let head_bytes = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, buffer).await?;
    };
    let head = std::str::from_utf8(&buffer[..head_bytes]).context("a head is no text")?;
    let status = head
        .get(9..12)
        .and_then(|status| status.parse::<u16>().ok());
    let location = header(head, "location").map(str::to_owned);
    // Restate names an invocation, in every answer, and does not say where it is.
    let location = location.or_else(|| {
        let id = header(head, "x-restate-id").filter(|_| status == Some(202))?;
        Some(format!("/restate/invocation/{id}/output"))
    });
    let length = header(head, "content-length").and_then(|length| length.parse::<usize>().ok());
    let is_chunked = header(head, "transfer-encoding").is_some();
    match length {
        Some(length) => {
            while buffer.len() < head_bytes + length {
                read_more(stream, buffer).await?;
            }
        }
        None if is_chunked => {
            while !buffer.ends_with(b"\r\n0\r\n\r\n") {
                read_more(stream, buffer).await?;
            }
        }
        None => {}
    }
    Ok(Head {
        status: status.context("an answer has no status")?,
        location,
    })
}

async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    match stream.read_buf(buffer).await {
        Ok(0) => bail!("the connection was closed"),
        Ok(_) => Ok(()),
        Err(error) => Err(error).context("cannot read an answer"),
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A GET as bytes.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// A POST of JSON as bytes.
pub fn post(path: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    )
    .into_bytes()
}
