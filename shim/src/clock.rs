//! The time of day, which in tests may be wrong.
//!
//! `WASM_SHIM_CLOCK_OFFSET_MS` says by how many milliseconds this process's clock is off, for its
//! components as for itself: how tests have replicas whose clocks differ. Where it is unset, as it is
//! outside tests, the time is the machine's.

use crate::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use std::sync::OnceLock;
use std::time::Duration;

/// The variable that says how wrong the clock is.
const VARIABLE: &str = "WASM_SHIM_CLOCK_OFFSET_MS";

static OFFSET: OnceLock<SignedDuration> = OnceLock::new();

/// Sets the clock as the environment says, if it does.
pub(crate) fn set_from_environment() -> Result<(), Fault> {
    let Ok(text) = std::env::var(VARIABLE) else {
        return Ok(());
    };
    let Ok(ms) = text.parse() else {
        return Err(Fault::new(format!(
            "expected `{VARIABLE}` to be a number of milliseconds, found `{text}`; unset it: it is for tests alone"
        )));
    };
    tracing::warn!("this process's clock is {ms} ms off, as `{VARIABLE}` says");
    OFFSET.get_or_init(|| SignedDuration::from_millis(ms));
    Ok(())
}

/// The time.
pub(crate) fn now() -> Timestamp {
    shifted(Timestamp::now(), offset())
}

/// The time since 1970 for components, if it is not the machine's.
pub(crate) fn of_components() -> Option<fn() -> Duration> {
    OFFSET.get().map(|_| since_1970 as fn() -> Duration)
}

fn since_1970() -> Duration {
    // It is after 1970 by any clock that a test sets.
    Duration::try_from(now().as_duration()).unwrap_or_default()
}

fn offset() -> SignedDuration {
    OFFSET.get().copied().unwrap_or_default()
}

fn shifted(time: Timestamp, offset: SignedDuration) -> Timestamp {
    time.saturating_add(offset).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_in_either_direction() {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a timestamp");
        let by = |ms| shifted(noon, SignedDuration::from_millis(ms)).to_string();
        assert_eq!(by(90_000), "2026-11-22T12:01:30Z");
        assert_eq!(by(-90_000), "2026-11-22T11:58:30Z");
    }
}
