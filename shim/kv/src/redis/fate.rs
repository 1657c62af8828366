//! What an error says of the command that it came for: whether it can have been carried out, and
//! whether another connection may do better.

use ::redis::RedisError;

/// What became of a command that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server did not carry it out, as it is not, or not yet, the one that takes writes. The
    /// address may lead to another one by now.
    Misdirected,
    /// The server did not carry it out, and neither will it on another connection, until somebody
    /// does something about it.
    Refused,
    /// No answer came. It may have been carried out, and the connection is of no more use.
    Unanswered,
    /// The server looked at it, and says what is wrong with it.
    Answered,
}

/// The codes of servers that somebody else should be asked instead of: a replica, one that still
/// reads its data, one that is cut off from its replicas or its primary, one that took over without
/// knowing who asks.
const MISDIRECTED: [&str; 7] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOREPLICAS",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOAUTH",
];

/// The codes of servers that cannot write, or may not: no memory, no disk, no right; or that are
/// held up by somebody's script.
const REFUSED: [&str; 4] = ["OOM", "MISCONF", "NOPERM", "BUSY"];

impl Fate {
    /// Reads it from the error.
    pub(super) fn of(error: &RedisError) -> Self {
        let code = error.code().unwrap_or_default();
        if MISDIRECTED.contains(&code) {
            Self::Misdirected
        } else if REFUSED.contains(&code) {
            Self::Refused
        } else if error.is_io_error() || error.is_unrecoverable_error() {
            Self::Unanswered
        } else {
            Self::Answered
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::redis::{ErrorKind, parse_redis_value};

    fn fate(answer: &str) -> Fate {
        let value = parse_redis_value(format!("-{answer}\r\n").as_bytes());
        let error = value.and_then(::redis::Value::extract_error);
        Fate::of(&error.expect_err("is an error"))
    }

    #[test]
    fn an_answer_tells_what_became_of_a_command() {
        for (answer, expected) in [
            (
                "READONLY You can't write against a read only replica.",
                Fate::Misdirected,
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                Fate::Misdirected,
            ),
            ("NOAUTH Authentication required.", Fate::Misdirected),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                Fate::Refused,
            ),
            (
                "ERR value is not an integer or out of range",
                Fate::Answered,
            ),
            ("WRONGTYPE Operation against a key", Fate::Answered),
        ] {
            assert_eq!(fate(answer), expected, "`{answer}`");
        }
    }

    #[test]
    fn what_is_not_answered_may_have_happened() {
        let error = RedisError::from((ErrorKind::Io, "the connection broke"));
        assert_eq!(Fate::of(&error), Fate::Unanswered);
    }
}
