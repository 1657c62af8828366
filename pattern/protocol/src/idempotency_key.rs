//! A client's idempotency key as it is stored: never itself, but what it hashes to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A client's key, and what it was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The key, within its owner's keys.
    pub key: Digest,
    /// The body that it came with.
    pub body: Digest,
}

impl Idempotency {
    /// What `owner`'s `key` stands for when it comes with `body`.
    pub fn new(owner: Option<&str>, key: &str, body: &[u8]) -> Self {
        let owner = owner.unwrap_or_default().as_bytes();
        // The length keeps owner `ab` with key `c` apart from owner `a` with key `bc`.
        let length = (owner.len() as u64).to_le_bytes();
        Self {
            key: Digest::of(&[&length, owner, key.as_bytes()]),
            body: Digest::of(&[body]),
        }
    }
}

/// The first 128 bits of a SHA-256, in text as 32 hexadecimal digits: letters that any store takes in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(u128);

impl Digest {
    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let bytes = hash.finalize();
        Self(
            bytes
                .iter()
                .take(16)
                .fold(0, |digest, byte| digest << 8 | u128::from(*byte)),
        )
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl TryFrom<String> for Digest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}
