//! Whole numbers however they are written.

use protocol::json::Decimal;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use serde_json::value::RawValue;

/// Reads a whole number, as JSON Schema understands it: `2`, `2.0` and `2e0` are the same.
///
/// For `#[serde(deserialize_with = "work::integer")]` on a member of an input, because serde by itself
/// takes the latter two for fractions.
///
/// # Errors
/// If it is no whole number, or one that `T` does not hold.
pub fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = Box::<RawValue>::deserialize(deserializer)?;
    let number = number.get();
    let is_number = number.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    is_number
        .then(|| Decimal::of(number).to_i64())
        .flatten()
        .and_then(|integer| T::try_from(integer).ok())
        .ok_or_else(|| D::Error::custom(format!("expected a whole number, found `{number}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Of {
        #[serde(deserialize_with = "integer")]
        number: u8,
    }

    #[test]
    fn a_whole_number_is_read_however_it_is_written() {
        let read = |number: &str| {
            let json = format!(r#"{{"number":{number}}}"#);
            serde_json::from_str::<Of>(&json).map(|of| of.number)
        };
        for number in ["200", "200.0", "2e2", "2000E-1"] {
            assert_eq!(read(number).ok(), Some(200), "`{number}`");
        }
        for number in ["256", "-1", "1.5", "\"1\"", "null", "1e99"] {
            assert!(read(number).is_err(), "`{number}`");
        }
    }
}
