//! What a client sends: JSON that is read once, and kept as it was sent.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Timestamp;
use crate::json::{self, Value};

/// An order, byte for byte as it was sent. What it must hold is the app's affair.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Order(Box<RawValue>);

impl Order {
    /// Reads an order.
    ///
    /// # Errors
    /// If `body` is not one JSON text in UTF-8 (RFC 8259), names a member twice, or nests deeper than
    /// [`DEPTH_MAX`](crate::json::DEPTH_MAX).
    pub fn parse(body: &[u8]) -> Result<Self, MalformedOrder> {
        Self::parse_checked(body, |_| Ok(()))
    }

    /// Reads an order that `check` may refuse.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and with what `check` returns.
    pub fn parse_checked<E: From<MalformedOrder>>(
        body: &[u8],
        check: impl FnOnce(&Value<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let text = std::str::from_utf8(body).map_err(|error| {
            MalformedOrder(format!(
                "expected UTF-8, found an invalid byte at {}",
                error.valid_up_to()
            ))
        })?;
        if text.trim_ascii().is_empty() {
            return Err(MalformedOrder("expected JSON, found an empty body".to_owned()).into());
        }
        let value = json::read(text).map_err(|error| MalformedOrder(error.to_string()))?;
        check(&value)?;
        let text = value.of(text).to_owned();
        let order =
            RawValue::from_string(text).map_err(|error| MalformedOrder(error.to_string()))?;
        Ok(Self(order))
    }

    /// The order's JSON text as it was sent, without white space around it.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// The order as the result has it: as it was sent, and if it is an object, with the member
    /// `completedAt` added, or put in place of its own.
    ///
    /// # Errors
    /// With a sentence, if what was stored is no order.
    pub fn completed(&self, at: Timestamp) -> Result<Box<RawValue>, String> {
        let text = self.as_json();
        let value = json::read(text).map_err(|error| error.to_string())?;
        let completed = value.with_member(text, "completedAt", &format!("\"{at}\""));
        let completed = completed.unwrap_or_else(|| text.to_owned());
        RawValue::from_string(completed).map_err(|error| error.to_string())
    }
}

/// Why a body is not an order: it is no JSON that everybody reads alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedOrder(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::DEPTH_MAX;

    fn parsed(json: &str) -> Order {
        Order::parse(json.as_bytes()).expect("JSON")
    }

    fn completed(json: &str) -> String {
        let order = parsed(json).completed(Timestamp::from_unix_ms(0));
        order.expect("an order").get().to_owned()
    }

    #[test]
    fn an_order_is_kept_as_it_was_sent() {
        let json = r#"{"a":[{"b":1.0,"c":1.10}] , "d":12345678901234567890123}"#;
        assert_eq!(parsed(&format!(" {json}\n")).as_json(), json);
    }

    #[test]
    fn a_name_that_means_something_to_serde_is_a_name_like_any_other() {
        for name in ["Number", "RawValue"] {
            let json = format!(r#"{{"x":{{"$serde_json::private::{name}":"1e0"}}}}"#);
            assert_eq!(parsed(&json).as_json(), json);
            assert_eq!(completed(&json), completed_by_hand(&json));
        }
    }

    #[test]
    fn a_completed_order_is_what_was_sent_and_when_it_was_completed() {
        let json = r#"{ "a":[{"b":1e0,"c":"t\u0065a"}] ,"x":-0.10E+2 }"#;
        assert_eq!(completed(json), completed_by_hand(json));

        let own = json.replace("\"x\":-0.10E+2", r#""completedAt": {"a":1}"#);
        let expected = own.replace(r#"{"a":1}"#, "\"1970-01-01T00:00:00.000Z\"");
        assert_eq!(completed(&own), expected);

        for json in ["[1]", "\"a\"", "1e0"] {
            assert_eq!(completed(json), json);
        }
    }

    /// `json`, an object, with the member put in before its closing bracket and the space before that.
    fn completed_by_hand(json: &str) -> String {
        let inside = json.strip_suffix('}').expect("an object").trim_end();
        let end = &json[inside.len()..];
        format!("{inside},\"completedAt\":\"1970-01-01T00:00:00.000Z\"{end}")
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_strings_do_not_nest() {
        let nested = |depth: usize| {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            Order::parse(format!(r#"{{"a":"[[{{\"","deep":{deep}}}"#).as_bytes())
        };
        assert!(nested(DEPTH_MAX - 1).is_ok());
        assert!(nested(DEPTH_MAX).is_err());
    }

    #[test]
    fn what_is_not_one_json_text_is_malformed() {
        for body in [
            &b""[..],
            b" ",
            b"{",
            b"{} {}",
            b"{\"a\":\xff}",
            b"\"\\ud800\"",
            b"nul",
            br#"{"a":"Ada","a":"Bob"}"#,
            br#"{"deep":[{"a":1,"a":1.5}]}"#,
            br#"{"$serde_json::private::RawValue":"{","$serde_json::private::RawValue":"}"}"#,
        ] {
            assert!(Order::parse(body).is_err(), "{body:?}");
        }
    }
}
