//! Entity tags in conditional requests.

/// Whether `If-None-Match` names `etag`: RFC 9110 §13.1.2, any of a list, compared weakly; or `*`.
pub fn matches(if_none_match: &str, etag: &str) -> bool {
    let mut given = if_none_match.split(',').map(str::trim);
    given.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_takes_a_list_weak_tags_and_a_star() {
        for value in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"] {
            assert!(matches(value, "\"3\""), "`{value}`");
        }
        for value in ["", "3", "\"33\"", "\"1\", \"2\""] {
            assert!(!matches(value, "\"3\""), "`{value}`");
        }
    }
}
