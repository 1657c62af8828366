//! How long to wait before an attempt is made again.

/// The delay before the second attempt, at most, in milliseconds.
pub const BACKOFF_BASE_MS: u64 = 1_000;
/// The delay before any attempt, at most, in milliseconds: an hour. With the default of 20 attempts
/// an order is tried for four hours on average, so that it outlasts what a deploy breaks.
pub const BACKOFF_CAP_MS: u64 = 3_600_000;

/// The delay after attempt number `attempt` (from 1) failed: exponential with full jitter, in milliseconds.
///
/// A random time between 0 and `min(cap, base * 2^(attempt - 1))`, spread evenly by
/// `random`, which must be uniform over all `u64`. With full jitter, orders that failed
/// together do not come back together (Brooker, "Exponential Backoff And Jitter", AWS
/// Architecture Blog, 2015).
pub fn backoff_ms(attempt: u32, random: u64) -> u64 {
    let doublings = attempt.saturating_sub(1).min(63);
    let ceiling = BACKOFF_BASE_MS
        .saturating_mul(1 << doublings)
        .min(BACKOFF_CAP_MS);
    random % (ceiling + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        let longest = |attempt| (0..200_000).map(|random| backoff_ms(attempt, random)).max();
        assert_eq!(longest(1), Some(1_000));
        assert_eq!(longest(2), Some(2_000));
        assert_eq!(longest(7), Some(64_000));
        assert!(backoff_ms(u32::MAX, 3_600_000) == BACKOFF_CAP_MS);
        assert!(backoff_ms(u32::MAX, u64::MAX) <= BACKOFF_CAP_MS);
    }
}
