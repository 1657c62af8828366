//! Simulated work: it takes a random time and does nothing.
//!
//! Where the variable `simulate_controls` allows it, an order may say how its work goes
//! by a member `"simulate": {"ms": N, "outcome": "..."}`.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use work::{Context, Variables, WorkError};

/// How often progress is told, at least and at most.
const STEPS: u32 = 10;
/// The shortest step, so that short work does not spend its time on telling.
const STEP_MIN: Duration = Duration::from_millis(250);

/// Simulated work, as the variables describe it.
#[derive(Default)]
pub struct Simulate {
    min_ms: u64,
    max_ms: u64,
    controls: bool,
}

impl Simulate {
    /// Reads `simulate_min_ms`, `simulate_max_ms` and `simulate_controls`.
    pub async fn from_variables(variables: &mut Variables) -> Self {
        let min_ms = variables.number("simulate_min_ms", 0..=86_400_000).await;
        let max_ms = variables.number("simulate_max_ms", 0..=86_400_000).await;
        if min_ms > max_ms {
            variables.fault(
                "simulate_max_ms",
                format!("the variable `simulate_max_ms` must be at least `simulate_min_ms`, found `{max_ms}` and `{min_ms}`"),
            );
        }
        Self {
            min_ms,
            max_ms,
            controls: variables.flag("simulate_controls").await,
        }
    }

    fn random_ms(&self) -> u64 {
        self.min_ms + u64::from_le_bytes(work::random()) % (self.max_ms - self.min_ms + 1)
    }

    /// Waits, and ends as the order says, if it may.
    ///
    /// # Errors
    /// Those that the order asks for.
    pub async fn run(&self, order: &str, context: &Context) -> Result<(), WorkError> {
        let controls = if self.controls {
            Controls::of(order)
        } else {
            Controls::default()
        };
        let plan = Plan::parse(controls.outcome.as_deref()).map_err(WorkError::permanent)?;
        wait(
            Duration::from_millis(controls.ms.unwrap_or_else(|| self.random_ms())),
            context,
        )
        .await;
        match plan {
            Plan::Fail => Err(WorkError::permanent("the simulated work fails")),
            Plan::Partial => Err(WorkError::partial(
                "half of the simulated work fails",
                &json!({"done": "half"}),
            )
            .with_details(&json!({"failed": ["the other half"]}))),
            Plan::Retry(failures) if context.attempt() <= failures => Err(WorkError::retryable(
                format!("the simulated work fails {failures} time(s)"),
            )),
            Plan::Complete | Plan::Retry(_) => Ok(()),
            Plan::Trap => panic!("the simulated work of order `{}` traps", context.id()),
            Plan::Spin(duration) => {
                burn(duration);
                Ok(())
            }
        }
    }
}

/// The order's `simulate` member; anything that is not one is ignored.
#[derive(Default, Deserialize)]
struct Controls {
    ms: Option<u64>,
    outcome: Option<String>,
}

impl Controls {
    fn of(order: &str) -> Self {
        #[derive(Deserialize)]
        struct Simulated {
            simulate: Controls,
        }
        serde_json::from_str::<Simulated>(order)
            .map(|order| order.simulate)
            .unwrap_or_default()
    }
}

/// How the simulated work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// It is done.
    Complete,
    /// It fails for good.
    Fail,
    /// Half of it is done, and the rest fails for good.
    Partial,
    /// It fails that many times, and is then done.
    Retry(u32),
    /// It panics, which traps the instance.
    Trap,
    /// It computes for that long without giving way, and is then done.
    Spin(Duration),
}

impl Plan {
    fn parse(outcome: Option<&str>) -> Result<Self, String> {
        let outcome = outcome.unwrap_or("complete");
        let plan = match outcome.split_once(':') {
            None => match outcome {
                "complete" => Some(Self::Complete),
                "fail" => Some(Self::Fail),
                "partial" => Some(Self::Partial),
                "trap" => Some(Self::Trap),
                _ => None,
            },
            Some(("retry", times)) => times.parse().ok().map(Self::Retry),
            Some(("spin", ms)) => ms.parse().ok().map(Duration::from_millis).map(Self::Spin),
            Some(_) => None,
        };
        plan.ok_or_else(|| {
            format!(
                "expected a simulated outcome `complete`, `fail`, `partial`, `retry:K`, `trap` or `spin:MS`, found `{outcome}`"
            )
        })
    }
}

async fn wait(duration: Duration, context: &Context) {
    let start = Instant::now();
    let step = (duration / STEPS).max(STEP_MIN);
    loop {
        let elapsed = start.elapsed();
        let left = duration.saturating_sub(elapsed);
        if left.is_zero() || context.is_cancelled() {
            return;
        }
        context.set_progress(elapsed.as_secs_f64() / duration.as_secs_f64());
        work::sleep(step.min(left)).await;
    }
}

fn burn(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_as_documented() {
        assert_eq!(Plan::parse(None), Ok(Plan::Complete));
        assert_eq!(Plan::parse(Some("retry:2")), Ok(Plan::Retry(2)));
        assert_eq!(
            Plan::parse(Some("spin:5000")),
            Ok(Plan::Spin(Duration::from_secs(5)))
        );
        for outcome in ["", "explode", "retry:", "retry:-1", "spin", "fail:1"] {
            assert!(Plan::parse(Some(outcome)).is_err(), "`{outcome}`");
        }
    }
}
