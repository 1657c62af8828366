//! How long a client should wait before it asks again.

use protocol::{Record, State, Timestamp};

/// The longest wait that is advised, in seconds. Longer and the client learns of the end too late.
const SECONDS_MAX: u64 = 10;

/// The value of `Retry-After` (RFC 9110 §10.2.3) for an open order: 1 to [`SECONDS_MAX`] seconds.
///
/// Until the next attempt where that is known; else what the work's progress lets expect;
/// else a quarter of the time it has taken so far, so that short work is seen to end soon
/// and long work is not asked after in vain.
pub fn seconds(record: &Record, now: Timestamp) -> u64 {
    let wait_ms = match &record.state {
        State::Pending {
            next_attempt_at: Some(at),
        } => at.ms_since(now),
        State::Processing {
            progress: Some(progress),
            ..
        } if *progress > 0.0 => {
            let started_at = record
                .attempts
                .last()
                .map_or(record.created_at, |attempt| attempt.started_at);
            remaining_ms(now.ms_since(started_at), *progress)
        }
        _ => now.ms_since(record.created_at) / 4,
    };
    wait_ms.div_ceil(1000).clamp(1, SECONDS_MAX)
}

/// What is left of work that took `elapsed_ms` to be done to the part `progress`, 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate, and a cast from f64 saturates"
)]
fn remaining_ms(elapsed_ms: u64, progress: f64) -> u64 {
    (elapsed_ms as f64 * (1.0 - progress) / progress) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_follows_from_progress() {
        assert_eq!(remaining_ms(3_000, 0.25), 9_000);
        assert_eq!(remaining_ms(3_000, 1.0), 0);
        assert_eq!(remaining_ms(u64::MAX, f64::MIN_POSITIVE), u64::MAX);
    }
}
