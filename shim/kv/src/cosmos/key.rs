//! Which keys may be the id of a document.

use crate::Error;

/// What the service does not take within an id.
const FORBIDDEN: [char; 4] = ['/', '\\', '?', '#'];

/// Refuses a key that cannot be an id. Lengths are checked with those of every back end.
///
/// An id is a segment of the request's path: `.` and `..` would make it the path of the container
/// or the database.
pub(super) fn check(key: &str) -> Result<(), Error> {
    let forbidden = |c: char| FORBIDDEN.contains(&c) || c.is_control();
    let found = match key {
        "." | ".." => Some('.'),
        _ => key.chars().find(|c| forbidden(*c)),
    };
    match found {
        None => Ok(()),
        Some(found) => Err(Error::KeyCharacter {
            key: key.to_owned(),
            found,
            store: "Cosmos DB",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_key_that_would_change_the_path_is_refused() {
        for key in ["a/b", "a\\b", "a?b", "a#b", "a\nb", ".", ".."] {
            let error = check(key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "`{key}`");
        }
        for key in ["order_1", "a.b", "...", "a b", "ä"] {
            assert!(check(key).is_ok(), "`{key}`");
        }
    }
}
