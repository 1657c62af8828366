//! What can go wrong with a store: [`Error`] while it serves, [`OpenError`] at start.

use std::fmt;
use std::sync::Arc;

/// Why a store did not do what it was asked to. Its text is a sentence for logs and for guests.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The key is empty or too long.
    #[error("the key is {bytes} bytes long, expected 1 to {bytes_max}")]
    KeyLength {
        /// The key's length.
        bytes: usize,
        /// The longest key that the store takes.
        bytes_max: usize,
    },
    /// The back end does not take the key as it is.
    #[error("key `{}` holds `{}`, which {store} does not take", key.escape_debug(), found.escape_debug())]
    KeyCharacter {
        /// The key.
        key: String,
        /// What must not be in it.
        found: char,
        /// The kind of back end.
        store: &'static str,
    },
    /// The value is too large.
    #[error("the value for key `{key}` is {bytes} bytes long, expected at most {bytes_max}")]
    ValueTooLarge {
        /// The key that was to be written.
        key: String,
        /// The value's length.
        bytes: usize,
        /// The largest value that the store takes.
        bytes_max: usize,
    },
    /// An increment met a value that no increment has written.
    #[error("key `{key}` holds {found}, expected an integer written by increment")]
    NotAnInteger {
        /// The key that was to be incremented.
        key: String,
        /// What is there instead.
        found: String,
    },
    /// An increment would leave the range of `i64`.
    #[error("key `{key}` holds `{value}`, to which `{delta}` cannot be added in 64 bits")]
    Overflow {
        /// The key that was to be incremented.
        key: String,
        /// The integer that is there.
        value: i64,
        /// What was to be added.
        delta: i64,
    },
    /// Something is stored that no store writes: a hand or another program was there.
    #[error("{what} is of type {found}, expected {expected}")]
    Foreign {
        /// What was read, such as the value of a named key.
        what: String,
        /// The type that is there.
        found: String,
        /// The type that stores write.
        expected: &'static str,
    },
    /// As many writes are waiting as the store lets wait.
    #[error("{store} has too many writes waiting, expected at most {waiting_max}; try again later")]
    Busy {
        /// The back end in words, such as its file.
        store: Arc<str>,
        /// The limit that was reached, with its unit.
        waiting_max: &'static str,
    },
    /// The back end refuses calls for now, as it has more of them than it was given means for.
    #[error(
        "{store} refused to {action}: its throughput is used up; try again later, or give it more"
    )]
    Throttled {
        /// The back end in words.
        store: Arc<str>,
        /// What it was to do.
        action: &'static str,
    },
    /// The back end refuses calls for now: another server has taken over and is not found yet, its
    /// memory or its disk is full, or it wants credentials.
    #[error("{store} refused to {action}: {cause}")]
    Refused {
        /// The back end in words.
        store: Arc<str>,
        /// What it was to do.
        action: &'static str,
        /// Its own words, which are part of the sentence.
        cause: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Other writes of the key came before each try.
    #[error("other writes of key `{key}` come between all the time; try again later")]
    Contended {
        /// The key that was to be changed.
        key: String,
    },
    /// The back end failed or could not be reached.
    #[error("{store} failed to {action}: {cause}")]
    Unavailable {
        /// The back end in words, such as its file.
        store: Arc<str>,
        /// What it was doing.
        action: &'static str,
        /// Its own error, which is part of the sentence.
        cause: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The call itself is wrong; it will never succeed. Nothing was written.
    Invalid,
    /// What is stored does not fit the call; someone must look at it. Nothing was written.
    Data,
    /// Overloaded, or not taking calls now: the same call may succeed later. Nothing was written.
    Busy,
    /// Failed or out of reach: the same call may succeed later. **A write may have happened.**
    Unavailable,
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::KeyLength { .. } | Self::KeyCharacter { .. } | Self::ValueTooLarge { .. } => {
                ErrorKind::Invalid
            }
            Self::NotAnInteger { .. } | Self::Overflow { .. } | Self::Foreign { .. } => {
                ErrorKind::Data
            }
            Self::Busy { .. }
            | Self::Throttled { .. }
            | Self::Refused { .. }
            | Self::Contended { .. } => ErrorKind::Busy,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Why a back end could not be opened: one sentence that ends with the fix.
#[derive(Debug)]
pub struct OpenError {
    /// The back end in words, such as its file.
    pub store: String,
    /// What is wrong with it.
    pub problem: String,
    /// What the operator can do.
    pub fix: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            store,
            problem,
            fix,
        } = self;
        write!(f, "cannot open {store}: {problem}; {fix}")
    }
}

impl std::error::Error for OpenError {}
