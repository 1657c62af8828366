//! What the host, and this app's components, say in the headers of a request.

use guest::Request;
use protocol::Token;

use crate::problem::Problem;

/// Whether the request has the preference (RFC 7240), whatever its value: an attempt's end is waited
/// for as long as it takes.
pub fn prefers(request: &Request, preference: &str) -> bool {
    let value = request.list_header("prefer");
    value.is_some_and(|value| names_preference(&value, preference))
}

fn names_preference(value: &str, preference: &str) -> bool {
    value
        .split([',', ';'])
        .filter_map(|part| part.split('=').next())
        .any(|name| name.trim().eq_ignore_ascii_case(preference))
}

/// The tenure of a host that has the store for itself, if it says so.
pub fn tenure(request: &Request) -> Result<Option<Token>, Problem> {
    token(request, "store-tenure")
}

/// A token that the host chose: that of a claim, so that it can release it later; or its tenure.
pub fn token(request: &Request, name: &'static str) -> Result<Option<Token>, Problem> {
    let value = request.header(name);
    value
        .map_err(|_| Problem::token_invalid(name, "more than one"))?
        .map(|value| {
            value
                .parse()
                .map_err(|_| Problem::token_invalid(name, &value))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_to_wait_is_found_among_others() {
        for value in ["wait", "wait=10", "respond-async, wait=10", "Wait"] {
            assert!(names_preference(value, "wait"), "`{value}`");
        }
        for value in ["", "respond-async", "waiting=1"] {
            assert!(!names_preference(value, "wait"), "`{value}`");
        }
    }
}
