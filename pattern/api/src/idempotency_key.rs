//! The `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header-06).

use crate::problem::Problem;

/// The longest key, in characters.
const CHARS_MAX: usize = 255;

/// The key that a header's value holds: a string of RFC 8941 §3.3.3, as the draft has it,
/// or the bare text that many clients send.
///
/// # Errors
/// A problem, if it is empty, too long, or not of printable ASCII.
pub fn parse(value: &str) -> Result<String, Problem> {
    let value = value.trim();
    let key = match value.strip_prefix('"') {
        Some(rest) => unquote(rest)
            .ok_or_else(|| Problem::invalid_idempotency_key("its quotes are not closed"))?,
        None => value.to_owned(),
    };
    if key.is_empty() || key.chars().count() > CHARS_MAX {
        return Err(Problem::invalid_idempotency_key(&format!(
            "expected 1 to {CHARS_MAX} characters"
        )));
    }
    if !key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Problem::invalid_idempotency_key(
            "expected printable ASCII characters",
        ));
    }
    Ok(key)
}

/// The rest of a quoted string: escapes are `\"` and `\\`, and nothing follows the closing quote.
fn unquote(rest: &str) -> Option<String> {
    let mut key = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(key),
            '\\' => key.push(
                chars
                    .next()
                    .filter(|escaped| matches!(escaped, '"' | '\\'))?,
            ),
            other => key.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_and_a_bare_key_are_the_same_key() {
        for value in ["\"a-1\"", "a-1", " a-1 "] {
            assert_eq!(parse(value).ok().as_deref(), Some("a-1"), "`{value}`");
        }
        assert_eq!(parse(r#""a\"b\\""#).ok().as_deref(), Some(r#"a"b\"#));
    }

    #[test]
    fn a_key_is_bounded_and_printable() {
        assert!(parse(&"k".repeat(CHARS_MAX)).is_ok());
        let too_long = "k".repeat(CHARS_MAX + 1);
        for value in [
            "",
            "\"\"",
            "\"open",
            "\"a\"b",
            "\"a\\n\"",
            "schlüssel",
            too_long.as_str(),
        ] {
            assert!(parse(value).is_err(), "`{value}`");
        }
    }
}
