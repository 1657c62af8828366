//! Points in time as this crate is handed them: it never asks what time it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds since the Unix epoch.
///
/// In a record it is that integer; shown to people and clients it is RFC 3339 in
/// UTC with milliseconds, for example `2026-01-31T09:30:00.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time that is `ms` milliseconds after the Unix epoch.
    pub const fn from_unix_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_unix_ms(self) -> u64 {
        self.0
    }

    /// The time `ms` milliseconds later; the far end of time instead of an overflow.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How many milliseconds `self` is after `earlier`; 0 if it is not after it,
    /// as happens between replicas whose clocks differ.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last instant that RFC 3339 can write is in the year 9999; a time beyond
        // it can only come from a damaged clock and is shown as that instant.
        let time = i64::try_from(self.0)
            .ok()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    /// Reads RFC 3339; a time before 1970 is taken for 1970.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let time: jiff::Timestamp = text.parse()?;
        Ok(Self(u64::try_from(time.as_millisecond()).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_rfc3339_in_utc_with_milliseconds() {
        assert_eq!(
            Timestamp::from_unix_ms(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_unix_ms(1_700_000_000_250).to_string(),
            "2023-11-14T22:13:20.250Z"
        );
    }

    #[test]
    fn a_time_reads_back_as_it_is_shown() {
        let time = Timestamp::from_unix_ms(1_700_000_000_250);
        assert_eq!(time.to_string().parse::<Timestamp>().ok(), Some(time));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn a_time_past_the_calendar_is_shown_and_does_not_panic() {
        assert!(
            Timestamp::from_unix_ms(u64::MAX)
                .to_string()
                .starts_with("9999-12-3")
        );
    }

    #[test]
    fn arithmetic_saturates() {
        let late = Timestamp::from_unix_ms(u64::MAX);
        assert_eq!(late.plus_ms(1), late);
        assert_eq!(Timestamp::from_unix_ms(1).ms_since(late), 0);
    }
}
