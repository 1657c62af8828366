//! One system, once: orders from their submission to their result, and reads of a status.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::LocalSet;

use super::results::{OrdersRound, ReadsRound};
use super::system::{Exchange, System};
use crate::effort::Effort;
use crate::load::{CONNECTIONS, Connection, Load, Pace, get};
use crate::orders::{order_that, reads as reads_of, submissions_to, submit_to};

/// For how long orders are submitted, and statuses read.
pub const SUBMIT: Effort<Duration> = Effort {
    full: Duration::from_secs(2),
    quick: Duration::from_millis(500),
};
pub const READ: Effort<Duration> = SUBMIT;
/// For long enough that what compiles while it runs has done so.
pub const WARM_UP: Duration = Duration::from_secs(1);

/// How many open orders are read in turn.
const OPEN: usize = 100;
const OPEN_MS: u64 = 3_600_000;

/// How long nothing is asked of any system between two turns, so that what one has left to do is done.
const PAUSE: Duration = Duration::from_millis(200);

/// How often an order is asked for that has not ended: seldom enough that asking costs little.
const LOOK: Duration = Duration::from_millis(10);

/// How many orders are asked for, beside the latest, to tell whether all have ended.
const SAMPLE: usize = 128;

/// How long an order may take that is the only one left. No order takes long here.
const PATIENCE: Duration = Duration::from_mins(1);

/// Orders whose work takes no time. They are submitted for so long, and all are worked on; then each
/// is asked for, and its result read.
pub fn orders(system: &System, duration: Duration) -> Result<OrdersRound> {
    thread::sleep(PAUSE);
    let before = system.processor_time()?;
    let began = Instant::now();
    let order = order_that(0, "complete");
    let submitted = Load {
        connections: CONNECTIONS,
        pace: Pace::Closed(duration),
        ..submissions_to(system.address, system.exchange.submit, &order)
    }
    .send()?;
    let paths = &submitted.locations;
    ensure!(!paths.is_empty(), "no order was accepted");
    let client = Client::new(system);
    // Whoever came last ends last, or nearly so; and where some are passed over, so are some of the
    // others here. Asking for all would cost what is not to be measured.
    let spread = paths.iter().step_by(paths.len().div_ceil(SAMPLE));
    let sample: Vec<_> = spread.chain(&submitted.latest).cloned().collect();
    client.run(1, &sample, false)?;
    let worked_on = began.elapsed();
    let work = system.processor_time()?.saturating_sub(before);
    let late = client.run(CONNECTIONS, paths, true)?;
    let whole = system.processor_time()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = paths.len() as f64;
    Ok(OrdersRound {
        accepted_per_second: submitted.per_second(),
        completed_per_second: count / worked_on.as_secs_f64(),
        work_us: microseconds(work) / count,
        whole_us: microseconds(whole) / count,
        late,
    })
}

/// A load of reads of orders that stay open, which are submitted for that; or, of a system that
/// takes none, of its root.
pub fn reads_of_open_orders(system: &System) -> Result<Load> {
    let paths = if system.takes_orders() {
        let order = order_that(OPEN_MS, "complete");
        submit_to(system.address, system.exchange.submit, &order, OPEN)?
    } else {
        vec!["/".to_owned()]
    };
    Ok(Load {
        // Alone what an open order is answered with: an ended one would be cheaper or dearer.
        statuses: if system.exchange.open == 200 {
            &[200]
        } else {
            &[470]
        },
        connections: CONNECTIONS,
        ..reads_of(system.address, &paths)
    })
}

/// Reads for so long.
pub fn reads(system: &System, load: &Load, duration: Duration) -> Result<ReadsRound> {
    thread::sleep(PAUSE);
    let before = system.processor_time()?;
    let measured = Load {
        pace: Pace::Closed(duration),
        ..load.clone()
    }
    .send()?;
    let taken = system.processor_time()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = measured.answers.len() as f64;
    Ok(ReadsRound {
        per_second: measured.per_second(),
        us: microseconds(taken) / count,
    })
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Who asks for orders that were accepted, until each has ended.
struct Client {
    address: SocketAddr,
    exchange: Exchange,
}

impl Client {
    fn new(system: &System) -> Self {
        Self {
            address: system.address,
            exchange: system.exchange,
        }
    }

    /// Asks for these, over so many connections, each for its share in its order; returns how many
    /// had not ended when they were first asked for.
    fn run(&self, connections: usize, paths: &[String], reads_results: bool) -> Result<usize> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        let local = LocalSet::new();
        let tasks: Vec<_> = paths
            .chunks(paths.len().div_ceil(connections).max(1))
            .map(|paths| {
                let asked = follow(self.address, self.exchange, paths.to_vec(), reads_results);
                local.spawn_local(asked)
            })
            .collect();
        runtime.block_on(local);
        let mut late = 0;
        for task in tasks {
            late += runtime.block_on(task).context("a connection panicked")??;
        }
        Ok(late)
    }
}

/// One connection of a [`Client`].
async fn follow(
    address: SocketAddr,
    exchange: Exchange,
    paths: Vec<String>,
    reads_results: bool,
) -> Result<usize> {
    let mut connection = Connection::open(address).await?;
    let mut late = 0;
    for path in paths {
        let request = get(&path);
        let began = Instant::now();
        let mut asked = 0;
        let result = loop {
            let head = connection
                .ask(&request, &[exchange.open, exchange.ended])
                .await?;
            if head.status == exchange.ended {
                break head.location;
            }
            asked += 1;
            let waited = began.elapsed();
            ensure!(waited < PATIENCE, "`{path}` had not ended after {waited:?}");
            tokio::time::sleep(LOOK).await;
        };
        late += usize::from(asked > 0);
        // Where the answer that it has ended is not the result, it says where that is.
        if let Some(result) = result.filter(|_| reads_results) {
            connection.ask(&get(&result), &[200]).await?;
        }
    }
    Ok(late)
}
