//! How a pair is kept as a document: Spin's layout, and two forms of ours for what Spin's does not
//! hold.
//!
//! | what | `value` of the document `{"id": key, "value": …}` |
//! |---|---|
//! | a value | its bytes as numbers, `[104, 105]` |
//! | a value whose numbers would not fit into an item | `{"base64": "…"}` |
//! | an integer of `increment` | the number, `7` |
//! | an integer that a 64-bit float does not hold | `{"integer": "9223372036854775807"}` |
//!
//! The second and fourth are never what Spin could have written: the service would have refused
//! the one and rounded the other. So wherever Spin can write, both hosts read each other.

use crate::Error;
use azure_core::base64;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest array of numbers that is written. An item may have 2 MiB as JSON; what is left over
/// is for the id and for what the service adds.
const NUMBERS_BYTES_MAX: usize = 2_000_000;

/// The integers that the service, whose numbers are 64-bit floats, keeps exactly: up to 2⁵³ - 1.
const EXACT_MAX: u64 = (1 << 53) - 1;

/// A document to be written.
#[derive(Serialize)]
pub(super) struct Document {
    id: String,
    value: Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value {
    Numbers(Vec<u8>),
    Base64 { base64: String },
    Number(i64),
    Digits { integer: String },
}

impl Document {
    /// The document of a value.
    pub(super) fn of_value(key: &str, value: Vec<u8>) -> Self {
        let value = if numbers_bytes(&value) <= NUMBERS_BYTES_MAX {
            Value::Numbers(value)
        } else {
            Value::Base64 {
                base64: base64::encode(value),
            }
        };
        Self {
            id: key.to_owned(),
            value,
        }
    }

    /// The document of an integer that `increment` owns.
    pub(super) fn of_integer(key: &str, integer: i64) -> Self {
        let value = if integer.unsigned_abs() <= EXACT_MAX {
            Value::Number(integer)
        } else {
            Value::Digits {
                integer: integer.to_string(),
            }
        };
        Self {
            id: key.to_owned(),
            value,
        }
    }
}

/// How long `value` is as a JSON array.
fn numbers_bytes(value: &[u8]) -> usize {
    let digits = |byte: &u8| match byte {
        0..10 => 1,
        10..100 => 2,
        100.. => 3,
    };
    // A comma follows each but the last, and brackets are around all.
    value.iter().map(|byte| digits(byte) + 1).sum::<usize>() + 2
}

/// A document that was read. The service's own members are passed over.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// The forms of `value` that are objects.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Object {
    Base64 { base64: String },
    Digits { integer: String },
}

/// The value in the document `json` of `key`.
pub(super) fn value(key: &str, json: &[u8]) -> Result<Vec<u8>, Error> {
    let text = value_text(json);
    let bytes = match text.and_then(|text| Some((text.bytes().next()?, text))) {
        Some((b'[', text)) => serde_json::from_str(text).ok(),
        Some((b'{', text)) => match serde_json::from_str(text) {
            Ok(Object::Base64 { base64 }) => base64::decode(base64).ok(),
            _ => None,
        },
        _ => None,
    };
    bytes.ok_or_else(|| Error::Foreign {
        what: format!("the value of key `{key}`"),
        found: kind(text).to_owned(),
        expected: "an array of bytes",
    })
}

/// The integer in the document `json` of `key`.
pub(super) fn integer(key: &str, json: &[u8]) -> Result<i64, Error> {
    let text = value_text(json);
    let integer = text.and_then(|text| match serde_json::from_str(text) {
        Ok(Object::Digits { integer }) => integer.parse().ok(),
        _ => text.parse().ok(),
    });
    integer.ok_or_else(|| Error::NotAnInteger {
        key: key.to_owned(),
        found: kind(text).to_owned(),
    })
}

/// The text of the member `value`, if there is one.
fn value_text(json: &[u8]) -> Option<&str> {
    let stored: Stored<'_> = serde_json::from_slice(json).ok()?;
    stored.value.map(RawValue::get)
}

/// What a `value` is, in words.
fn kind(text: Option<&str>) -> &'static str {
    match text.and_then(|text| text.bytes().next()) {
        None => "nothing",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(document: &Document) -> String {
        serde_json::to_string(document).unwrap()
    }

    #[test]
    fn a_value_is_kept_as_spin_keeps_it() {
        let document = json(&Document::of_value("a", b"hi".to_vec()));
        assert_eq!(document, r#"{"id":"a","value":[104,105]}"#);
        assert_eq!(value("a", document.as_bytes()).unwrap(), b"hi");
    }

    #[test]
    fn an_integer_is_kept_as_spin_keeps_it() {
        let document = json(&Document::of_integer("n", -7));
        assert_eq!(document, r#"{"id":"n","value":-7}"#);
        assert_eq!(integer("n", document.as_bytes()).unwrap(), -7);
    }

    #[test]
    fn integers_that_a_float_would_round_are_kept_exactly() {
        for n in [i64::MIN, -(1 << 53), 1 << 53, i64::MAX] {
            let document = json(&Document::of_integer("n", n));
            assert!(document.contains(r#"{"integer":""#), "{document}");
            assert_eq!(integer("n", document.as_bytes()).unwrap(), n);
        }
        let exact = json(&Document::of_integer("n", (1 << 53) - 1));
        assert_eq!(exact, r#"{"id":"n","value":9007199254740991}"#);
    }

    #[test]
    fn any_value_up_to_a_mebibyte_fits_into_an_item() {
        for byte in [7, 77, 255] {
            let largest = vec![byte; 1024 * 1024];
            let document = json(&Document::of_value("a", largest.clone()));
            assert!(document.len() < 2_000_100, "{} bytes", document.len());
            assert_eq!(value("a", document.as_bytes()).unwrap(), largest);
        }
    }

    #[test]
    fn the_length_of_an_array_is_known_beforehand() {
        let value: Vec<u8> = (0..=255).collect();
        let array = serde_json::to_string(&value).unwrap();
        assert_eq!(numbers_bytes(&value), array.len() + 1);
    }

    #[test]
    fn what_no_store_writes_is_told_by_its_type() {
        for (stored, found) in [
            (r#""text""#, "a string"),
            ("[256]", "an array"),
            (r#"{"base64":1}"#, "an object"),
            ("7", "a number"),
        ] {
            let document = format!(r#"{{"id":"a","value":{stored},"_etag":"1"}}"#);
            let error = value("a", document.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
        }
        assert!(value("a", br#"{"id":"a"}"#).is_err());
        assert!(integer("a", br#"{"id":"a","value":[1]}"#).is_err());
        assert!(integer("a", br#"{"id":"a","value":1.5}"#).is_err());
    }
}
