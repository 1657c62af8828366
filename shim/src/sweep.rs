//! Sweeps: `wasm-shim sweep` runs one, and the attempts of the orders that it finds; `wasm-shim up` runs one at start and then when it is due.

use crate::cli::AppArgs;
use crate::clock;
use crate::config::{App, PROCESSOR};
use crate::host::{Failure, Pool};
use crate::metrics::Metrics;
use crate::order::{self, Answer};
use crate::runtime::Runtimes;
use crate::start::{Scope, Started, start};
use crate::up::{misuse, refuse};
use jiff::Timestamp;
use serde::Deserialize;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// How long until the next sweep if the component does not say, or says later.
const INTERVAL_MAX: Duration = Duration::from_secs(15);

/// How long until the next sweep at least, whatever the component says.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: &AppArgs) -> ExitCode {
    let app = match App::load(arguments) {
        Ok(app) => app,
        Err(faults) => return refuse(&faults),
    };
    let runtimes = match Runtimes::new() {
        Ok(runtimes) => runtimes,
        Err(error) => {
            return misuse(&format!(
                "cannot start threads: {error}; raise the limit on processes"
            ));
        }
    };
    let Started {
        pools,
        stores,
        dispatcher,
        ..
    } = match start(&app, &runtimes, Scope::Sweep) {
        Ok(started) => started,
        Err(faults) => return refuse(&faults),
    };
    let code = runtimes.working.block_on(async {
        let answer = order::sweep(&pools[PROCESSOR]).await;
        if let Some(dispatcher) = dispatcher {
            // Having taken the turn, it sees to what it found.
            dispatcher.quiet().await;
        }
        stores.close().await;
        match answer {
            Ok(Answer { status, body }) => {
                let printed = std::io::stdout().write_all(&[&body[..], b"\n"].concat());
                ExitCode::from(u8::from(!status.is_success() || printed.is_err()))
            }
            Err(failure) => {
                tracing::error!(error = failure.to_string(), "the sweep failed");
                ExitCode::FAILURE
            }
        }
    });
    runtimes.shut_down();
    code
}

/// Who has the component sweep, and notes what it found.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pool: Pool,
    metrics: Metrics,
}

impl Sweeper {
    /// Has the component of `pool` sweep.
    pub(crate) fn new(pool: Pool, metrics: Metrics) -> Self {
        Self { pool, metrics }
    }

    /// Asks for one sweep, which there is if one is due.
    pub(crate) async fn sweep(&self) -> Result<Answer, Failure> {
        let answer = order::sweep(&self.pool).await?;
        self.metrics.swept(&answer.body, clock::now());
        Ok(answer)
    }
}

/// Sweeps now, and then whenever the component says that a sweep is due, for ever.
pub(crate) async fn keep_sweeping(sweeper: Sweeper) {
    let mut reported = false;
    loop {
        let wait = match sweeper.sweep().await {
            Ok(Answer { status, body }) if status.is_success() => {
                reported = false;
                until_next(&body, clock::now())
            }
            outcome => {
                if !reported {
                    let outcome = outcome.map_or_else(
                        |failure| failure.to_string(),
                        |answer| answer.status.to_string(),
                    );
                    tracing::debug!(outcome, "a sweep failed; it is tried again every 15 s");
                    reported = true;
                }
                INTERVAL_MAX
            }
        };
        tokio::time::sleep(wait).await;
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    next_sweep_at: Timestamp,
}

/// How long to wait after a sweep that was answered with `body`.
fn until_next(body: &[u8], now: Timestamp) -> Duration {
    serde_json::from_slice::<Swept>(body).map_or(INTERVAL_MAX, |swept| {
        let wait = swept.next_sweep_at.duration_since(now);
        // A time that has passed makes a negative duration, which is no wait.
        Duration::try_from(wait)
            .unwrap_or_default()
            .clamp(INTERVAL_MIN, INTERVAL_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_sweep_is_when_the_component_says_within_bounds() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a timestamp");
        let wait = |body: &str| until_next(body.as_bytes(), now).as_secs();
        assert_eq!(
            wait(r#"{"nextSweepAt":"2026-11-22T12:00:07.000Z","swept":3}"#),
            7
        );
        assert_eq!(wait(r#"{"nextSweepAt":"2026-11-22T13:00:00.000Z"}"#), 15);
        assert_eq!(wait(r#"{"nextSweepAt":"2026-11-22T11:00:00.000Z"}"#), 1);
        assert_eq!(wait("{}"), 15);
        assert_eq!(wait("not JSON"), 15);
    }
}
