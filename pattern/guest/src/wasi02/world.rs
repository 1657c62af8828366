//! Randomness, variables and tasks.

use std::time::Duration;

use wasi::clocks::monotonic_clock;
use wasi::random::random::get_random_bytes;

use super::bindings::fermyon::spin::variables;
use super::task;
use crate::world::filled;

/// Whether an instance serves one request alone, as here.
pub const SERVES_ONE_REQUEST: bool = true;

/// `N` bytes that nobody can predict.
pub fn random<const N: usize>() -> [u8; N] {
    filled(get_random_bytes)
}

/// The value of the component's variable `name`.
///
/// # Errors
/// With a sentence, if the component has no such variable or the host cannot resolve it.
pub async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).map_err(|error| format!("the variable `{name}` cannot be read: {error:?}"))
}

/// Goes on with `task` after the request has been answered; the instance lives until it ends.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    task::spawn(task);
}

/// Waits.
pub async fn sleep(duration: Duration) {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    task::ready(monotonic_clock::subscribe_duration(nanoseconds)).await;
}
