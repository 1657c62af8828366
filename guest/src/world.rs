//! The clock, randomness, variables and tasks.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orders::{Timestamp, Token};
use spin_sdk::{variables, wasip3};

/// The time.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_unix_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// `N` bytes that nobody can predict.
pub fn random<const N: usize>() -> [u8; N] {
    let mut random = [0; N];
    let mut filled = 0;
    while filled < N {
        // The host may give fewer bytes than it is asked for.
        let bytes = wasip3::random::random::get_random_bytes((N - filled) as u64);
        let taken = bytes.len().min(N - filled);
        random[filled..filled + taken].copy_from_slice(&bytes[..taken]);
        filled += taken;
    }
    random
}

/// A fresh token.
pub fn token() -> Token {
    Token::new(random())
}

/// The value of the component's variable `name`.
///
/// # Errors
/// With a sentence, if the component has no such variable or the host cannot resolve it.
pub async fn variable(name: &str) -> Result<String, String> {
    variables::get(name)
        .await
        .map_err(|error| format!("the variable `{name}` cannot be read: {error:?}"))
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

/// Goes on with `task` after the current request has been answered.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    wasip3::spawn(task);
}

/// Waits.
pub async fn sleep(duration: Duration) {
    spin_sdk::time::sleep(duration).await;
}
