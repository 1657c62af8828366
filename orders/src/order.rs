//! What a client sends: JSON that is checked once, and kept as it was sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Timestamp;
use crate::json::{self, Kind, Member, Value};

/// The most characters that a customer's or an item's name may have.
pub const NAME_CHARS_MAX: usize = 200;
/// The most items that one order may have.
pub const ITEMS_MAX: usize = 1000;
/// The largest quantity of one item.
pub const QUANTITY_MAX: i64 = 1_000_000;

/// A valid order, byte for byte as it was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Order(Box<RawValue>);

impl Order {
    /// Reads and checks an order.
    ///
    /// Members that this service does not know are kept, and not looked at.
    ///
    /// # Errors
    /// [`InvalidOrder::Malformed`] if `body` is not one JSON text in UTF-8 (RFC 8259), names a
    /// member twice, or nests deeper than [`DEPTH_MAX`](crate::DEPTH_MAX);
    /// [`InvalidOrder::Invalid`] with every fault if it is JSON but no order.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidOrder> {
        let text = std::str::from_utf8(body).map_err(|error| {
            malformed(format!(
                "expected UTF-8, found an invalid byte at {}",
                error.valid_up_to()
            ))
        })?;
        if text.trim_ascii().is_empty() {
            return Err(malformed(
                "expected an order, found an empty body".to_owned(),
            ));
        }
        let value = json::read(text).map_err(|error| malformed(error.to_string()))?;
        let faults = faults(&value);
        if !faults.is_empty() {
            return Err(InvalidOrder::Invalid(faults));
        }
        let text = value.of(text).to_owned();
        let order = RawValue::from_string(text).map_err(|error| malformed(error.to_string()))?;
        Ok(Self(order))
    }

    /// The order's JSON text as it was sent, without white space around it.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// The order as the result has it: as it was sent, with the member `completedAt` added, or put
    /// in place of its own.
    ///
    /// # Errors
    /// With a sentence, if what was stored is no order.
    pub fn completed(&self, at: Timestamp) -> Result<Box<RawValue>, String> {
        let text = self.as_json();
        let value = json::read(text).map_err(|error| error.to_string())?;
        let completed = value
            .with_member(text, "completedAt", &format!("\"{at}\""))
            .ok_or_else(|| format!("expected an object, found {}", kind(&value)))?;
        RawValue::from_string(completed).map_err(|error| error.to_string())
    }

    /// The order as the type `T`, by which work reads the members that it needs.
    ///
    /// `T` is a type of the work's own. As `serde_json::Value` an order may read as what it is not:
    /// that type takes one name of a member for an instruction.
    ///
    /// # Errors
    /// If the order's members do not fit `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

/// Why a body is not an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrder {
    /// It is not a JSON text, or one that nests too deep.
    #[error("{0}")]
    Malformed(String),
    /// It is JSON, but not an order; every fault is listed.
    #[error("the order has {} fault(s), the first: {}", .0.len(), .0[0])]
    Invalid(Vec<Fault>),
}

/// One thing that is wrong with an order, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A JSON Pointer (RFC 6901) to the faulty value, or to where a missing one belongs.
    pub pointer: String,
    /// What was expected there and what was found.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.pointer, self.detail)
    }
}

fn malformed(detail: String) -> InvalidOrder {
    InvalidOrder::Malformed(detail)
}

/// Every fault of `order`; as many as its items and members, which the body's size bounds.
fn faults(order: &Value<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Kind::Object(members) = &order.kind else {
        let found = kind(order);
        faults.push(fault("", format!("expected an object, found {found}")));
        return faults;
    };
    check_name(&mut faults, "/customer", json::member(members, "customer"));
    let items = json::member(members, "items");
    match items.map(|items| &items.kind) {
        Some(Kind::Array(items)) if (1..=ITEMS_MAX).contains(&items.len()) => {
            for (index, item) in items.iter().enumerate() {
                check_item(&mut faults, index, item);
            }
        }
        Some(Kind::Array(items)) => {
            let detail = format!("expected 1 to {ITEMS_MAX} items, found {}", items.len());
            faults.push(fault("/items", detail));
        }
        _ => {
            let found = items.map_or("nothing", kind);
            let detail = format!("expected an array of items, found {found}");
            faults.push(fault("/items", detail));
        }
    }
    faults
}

fn check_item(faults: &mut Vec<Fault>, index: usize, item: &Value<'_>) {
    let pointer = format!("/items/{index}");
    let Kind::Object(members) = &item.kind else {
        let found = kind(item);
        faults.push(fault(
            &pointer,
            format!("expected an object, found {found}"),
        ));
        return;
    };
    let name = json::member(members, "name");
    check_name(faults, &format!("{pointer}/name"), name);
    check_quantity(faults, &format!("{pointer}/quantity"), members);
}

fn check_quantity(faults: &mut Vec<Fault>, pointer: &str, members: &[Member<'_>]) {
    let quantity = json::member(members, "quantity");
    let found = match quantity.map(|quantity| &quantity.kind) {
        Some(Kind::Number(number)) => match json::integer(number) {
            Some(1..=QUANTITY_MAX) => return,
            _ => format!("`{number}`"),
        },
        _ => quantity.map_or("nothing", kind).to_owned(),
    };
    let detail = format!("expected an integer from 1 to {QUANTITY_MAX}, found {found}");
    faults.push(fault(pointer, detail));
}

fn check_name(faults: &mut Vec<Fault>, pointer: &str, value: Option<&Value<'_>>) {
    let found = match value.map(|value| &value.kind) {
        Some(Kind::String(name)) => match name.chars().count() {
            1..=NAME_CHARS_MAX => return,
            0 => "an empty one".to_owned(),
            chars => format!("{chars} characters"),
        },
        _ => value.map_or("nothing", kind).to_owned(),
    };
    let detail = format!("expected a string of 1 to {NAME_CHARS_MAX} characters, found {found}");
    faults.push(fault(pointer, detail));
}

fn fault(pointer: &str, detail: String) -> Fault {
    Fault {
        pointer: pointer.to_owned(),
        detail,
    }
}

fn kind(value: &Value<'_>) -> &'static str {
    match value.kind {
        Kind::Null => "null",
        Kind::Boolean => "a boolean",
        Kind::Number(_) => "a number",
        Kind::String(_) => "a string",
        Kind::Array(_) => "an array",
        Kind::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DEPTH_MAX;

    fn pointers(json: &str) -> Vec<String> {
        match Order::parse(json.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(InvalidOrder::Invalid(faults)) => {
                faults.into_iter().map(|fault| fault.pointer).collect()
            }
            Err(malformed) => panic!("`{json}` is malformed: {malformed}"),
        }
    }

    fn order_with_quantity(quantity: &str) -> String {
        format!(r#"{{"customer":"Ada","items":[{{"name":"tea","quantity":{quantity}}}]}}"#)
    }

    #[test]
    fn an_order_is_kept_as_it_was_sent() {
        let json = r#"{"items":[{"quantity":1.0,"name":"tea","note":1.10}] , "customer":"Ada","x":12345678901234567890123}"#;
        let order = Order::parse(format!(" {json}\n").as_bytes()).expect("a valid order");
        assert_eq!(order.as_json(), json);
    }

    #[test]
    fn every_fault_is_listed_with_a_pointer_to_it() {
        assert_eq!(
            pointers(r#"{"customer":"","items":[{"name":1,"quantity":0},5,{"name":"tea"}]}"#),
            [
                "/customer",
                "/items/0/name",
                "/items/0/quantity",
                "/items/1",
                "/items/2/quantity"
            ]
        );
        assert_eq!(pointers("{}"), ["/customer", "/items"]);
        assert_eq!(pointers("[]"), [""]);
    }

    #[test]
    fn a_quantity_is_an_integer_within_its_bounds_however_it_is_written() {
        for quantity in ["1", "1000000", "1.0", "1e3", "0.1e1", "1000e-3"] {
            assert!(
                pointers(&order_with_quantity(quantity)).is_empty(),
                "`{quantity}`"
            );
        }
        for quantity in [
            "0",
            "-1",
            "1000001",
            "1.5",
            "1.00000000000000000001",
            "1e400",
            "1e-400",
            "\"1\"",
            "null",
            r#"{"$serde_json::private::Number":"1"}"#,
        ] {
            assert_eq!(
                pointers(&order_with_quantity(quantity)),
                ["/items/0/quantity"],
                "`{quantity}`"
            );
        }
    }

    #[test]
    fn a_name_that_means_something_to_serde_is_a_name_like_any_other() {
        for name in ["Number", "RawValue"] {
            let name = format!("$serde_json::private::{name}");
            let valid = r#"{"customer":"Ada","items":[{"name":"tea","quantity":1}]}"#;
            let text = serde_json::to_string(valid).expect("JSON");
            let forged = format!(r#"{{"{name}":{text}}}"#);
            assert_eq!(pointers(&forged), ["/customer", "/items"]);

            let json = valid.replace("1}", &format!(r#"1,"x":{{"{name}":"1e0"}}}}"#));
            let order = Order::parse(json.as_bytes()).expect("a valid order");
            assert_eq!(order.as_json(), json);
            let completed = order
                .completed(Timestamp::from_unix_ms(0))
                .expect("an order");
            assert_eq!(completed.get(), completed_by_hand(&json));
        }
    }

    #[test]
    fn a_completed_order_is_what_was_sent_and_when_it_was_completed() {
        let json =
            r#"{ "items":[{"quantity":1e0,"name":"t\u0065a"}] ,"customer":"Ada", "x":-0.10E+2 }"#;
        let order = Order::parse(json.as_bytes()).expect("a valid order");
        let completed = order
            .completed(Timestamp::from_unix_ms(0))
            .expect("an order");
        assert_eq!(completed.get(), completed_by_hand(json));

        let own = json.replace("\"x\":-0.10E+2", r#""completedAt": {"a":1}"#);
        let order = Order::parse(own.as_bytes()).expect("a valid order");
        let completed = order
            .completed(Timestamp::from_unix_ms(0))
            .expect("an order");
        let expected = own.replace(r#"{"a":1}"#, "\"1970-01-01T00:00:00.000Z\"");
        assert_eq!(completed.get(), expected);
    }

    /// `json`, an object, with the member put in before its closing bracket and the space before that.
    fn completed_by_hand(json: &str) -> String {
        let inside = json.strip_suffix('}').expect("an object").trim_end();
        let end = &json[inside.len()..];
        format!("{inside},\"completedAt\":\"1970-01-01T00:00:00.000Z\"{end}")
    }

    #[test]
    fn names_are_measured_in_characters_and_not_in_bytes() {
        let name = |chars: usize| {
            format!(
                r#"{{"customer":"{}","items":[{{"name":"é","quantity":1}}]}}"#,
                "é".repeat(chars)
            )
        };
        assert!(pointers(&name(NAME_CHARS_MAX)).is_empty());
        assert_eq!(pointers(&name(NAME_CHARS_MAX + 1)), ["/customer"]);
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_strings_do_not_nest() {
        let nested = |depth: usize| {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!(
                r#"{{"customer":"[[{{\"","items":[{{"name":"tea","quantity":1}}],"deep":{deep}}}"#
            )
        };
        assert!(pointers(&nested(DEPTH_MAX - 1)).is_empty());
        assert!(matches!(
            Order::parse(nested(DEPTH_MAX).as_bytes()),
            Err(InvalidOrder::Malformed(_))
        ));
    }

    #[test]
    fn what_is_not_one_json_text_is_malformed() {
        for body in [
            &b""[..],
            b" ",
            b"{",
            b"{} {}",
            b"{\"customer\":\xff}",
            b"\"\\ud800\"",
            b"nul",
            br#"{"customer":"Ada","customer":"Bob"}"#,
            br#"{"deep":[{"a":1,"a":1.5}]}"#,
            br#"{"$serde_json::private::RawValue":"{","$serde_json::private::RawValue":"}"}"#,
        ] {
            assert!(
                matches!(Order::parse(body), Err(InvalidOrder::Malformed(_))),
                "{body:?}"
            );
        }
    }
}
