//! Randomness, variables and tasks.

use std::time::Duration;

use spin_sdk::{variables, wasip3};

use crate::world::filled;

/// Whether an instance serves one request alone. Here it serves many at once, as the host chooses.
pub const SERVES_ONE_REQUEST: bool = false;

/// `N` bytes that nobody can predict.
pub fn random<const N: usize>() -> [u8; N] {
    filled(wasip3::random::random::get_random_bytes)
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

/// Goes on with `task` after the current request has been answered.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    wasip3::spawn(task);
}

/// Waits.
pub async fn sleep(duration: Duration) {
    spin_sdk::time::sleep(duration).await;
}
