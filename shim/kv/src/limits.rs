//! How large keys and values may be, the same for every back end.

use super::Error;

/// The limits that every [`Store`](super::Store) holds its callers to. They bind what is written
/// from now on; what is already there can be read whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct SizeLimits {
    /// The longest key, in bytes.
    pub key_bytes_max: usize,
    /// The largest value, in bytes.
    pub value_bytes_max: usize,
}

impl Default for SizeLimits {
    fn default() -> Self {
        Self {
            // What the narrowest back end takes (a Cosmos DB id), so that data can move.
            key_bytes_max: 255,
            value_bytes_max: 1024 * 1024,
        }
    }
}

impl SizeLimits {
    /// Refuses a key that is empty or too long.
    pub(super) fn check_key(self, key: &str) -> Result<(), Error> {
        if (1..=self.key_bytes_max).contains(&key.len()) {
            return Ok(());
        }
        Err(Error::KeyLength {
            bytes: key.len(),
            bytes_max: self.key_bytes_max,
        })
    }

    /// Refuses keys of which one is empty or too long.
    pub(super) fn check_keys(self, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| self.check_key(key))
    }

    /// Refuses a key or a value that is too large.
    pub(super) fn check_pair(self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.check_key(key)?;
        if value.len() <= self.value_bytes_max {
            return Ok(());
        }
        Err(Error::ValueTooLarge {
            key: key.to_owned(),
            bytes: value.len(),
            bytes_max: self.value_bytes_max,
        })
    }
}
