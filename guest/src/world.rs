//! The clock, tokens and numbers, by what either WASI offers.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orders::{Timestamp, Token};

use crate::host::world::{random, variable};

/// The time.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_unix_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// A fresh token.
pub fn token() -> Token {
    Token::new(random())
}

/// The value of the component's variable `name`, which must be a whole number in `range`.
///
/// # Errors
/// With a sentence, if it is not, or cannot be read.
pub async fn number<T>(name: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    let value = variable(name).await?;
    value.trim().parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (start, end) = range.into_inner();
        format!("the variable `{name}` must be a whole number from {start} to {end}, found `{value}`")
    })
}

/// Fills `N` bytes from `draw`, which may give fewer than it is asked for.
pub(crate) fn filled<const N: usize>(mut draw: impl FnMut(u64) -> Vec<u8>) -> [u8; N] {
    let mut random = [0; N];
    let mut filled = 0;
    while filled < N {
        let bytes = draw((N - filled) as u64);
        let taken = bytes.len().min(N - filled);
        random[filled..filled + taken].copy_from_slice(&bytes[..taken]);
        filled += taken;
    }
    random
}
