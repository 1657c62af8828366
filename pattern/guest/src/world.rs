//! The clock and tokens, by what either WASI offers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::{Timestamp, Token};

use crate::host::world::random;

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
