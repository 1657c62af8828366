//! What a client sends: JSON that is checked once, and kept as it was sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::unique_members::UniqueMembers;

/// The most characters that a customer's or an item's name may have.
pub const NAME_CHARS_MAX: usize = 200;
/// The most items that one order may have.
pub const ITEMS_MAX: usize = 1000;
/// The largest quantity of one item.
pub const QUANTITY_MAX: u64 = 1_000_000;
/// How deep an order's JSON may nest. A bound on the parsers that read it later, ours and others'.
pub const DEPTH_MAX: usize = 32;

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
    /// member twice, or nests deeper than [`DEPTH_MAX`]; [`InvalidOrder::Invalid`] with every fault if it
    /// is JSON but no order.
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
        // Before parsing, so that what is too deep costs no stack.
        if exceeds_depth(body) {
            return Err(malformed(format!(
                "expected at most {DEPTH_MAX} levels of nesting, found more"
            )));
        }
        let not_json = |error: serde_json::Error| malformed(error.to_string());
        let UniqueMembers = serde_json::from_str(text).map_err(not_json)?;
        let value: Value = serde_json::from_str(text).map_err(not_json)?;
        let faults = faults(&value);
        if !faults.is_empty() {
            return Err(InvalidOrder::Invalid(faults));
        }
        Ok(Self(serde_json::from_str(text).map_err(not_json)?))
    }

    /// The order's JSON text as it was sent, without white space around it.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// The order as the type `T`, by which work reads the members that it needs.
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

/// Whether brackets outside strings nest deeper than [`DEPTH_MAX`].
fn exceeds_depth(json: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Every fault of `order`; as many as its items and members, which the body's size bounds.
fn faults(order: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Value::Object(members) = order else {
        faults.push(fault(
            "",
            format!("expected an object, found {}", kind(order)),
        ));
        return faults;
    };
    check_name(&mut faults, "/customer", members.get("customer"));
    match members.get("items") {
        Some(Value::Array(items)) if (1..=ITEMS_MAX).contains(&items.len()) => {
            for (index, item) in items.iter().enumerate() {
                check_item(&mut faults, index, item);
            }
        }
        Some(Value::Array(items)) => {
            let detail = format!("expected 1 to {ITEMS_MAX} items, found {}", items.len());
            faults.push(fault("/items", detail));
        }
        other => faults.push(fault(
            "/items",
            format!("expected an array of items, found {}", kind_of(other)),
        )),
    }
    faults
}

fn check_item(faults: &mut Vec<Fault>, index: usize, item: &Value) {
    let pointer = format!("/items/{index}");
    let Value::Object(members) = item else {
        faults.push(fault(
            &pointer,
            format!("expected an object, found {}", kind(item)),
        ));
        return;
    };
    check_name(faults, &format!("{pointer}/name"), members.get("name"));
    let quantity = members.get("quantity");
    if !quantity
        .and_then(integer)
        .is_some_and(|quantity| (1..=QUANTITY_MAX).contains(&quantity))
    {
        let found = match quantity {
            Some(Value::Number(number)) => format!("`{number}`"),
            other => kind_of(other).to_owned(),
        };
        let detail = format!("expected an integer from 1 to {QUANTITY_MAX}, found {found}");
        faults.push(fault(&format!("{pointer}/quantity"), detail));
    }
}

fn check_name(faults: &mut Vec<Fault>, pointer: &str, value: Option<&Value>) {
    let found = match value {
        Some(Value::String(name)) => match name.chars().count() {
            1..=NAME_CHARS_MAX => return,
            0 => "an empty one".to_owned(),
            chars => format!("{chars} characters"),
        },
        other => kind_of(other).to_owned(),
    };
    let detail = format!("expected a string of 1 to {NAME_CHARS_MAX} characters, found {found}");
    faults.push(fault(pointer, detail));
}

/// The value of a JSON number that is a non-negative integer, also when it is written `1.0` or `1e3`.
fn integer(value: &Value) -> Option<u64> {
    if let Some(integer) = value.as_u64() {
        return Some(integer);
    }
    let number = value.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first, and every integer in it has an exact f64"
    )]
    let integer =
        (number.fract() == 0.0 && (0.0..=1e15).contains(&number)).then_some(number as u64);
    integer
}

fn fault(pointer: &str, detail: String) -> Fault {
    Fault {
        pointer: pointer.to_owned(),
        detail,
    }
}

fn kind_of(value: Option<&Value>) -> &'static str {
    value.map_or("nothing", kind)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for quantity in ["1", "1000000", "1.0", "1e3"] {
            assert!(
                pointers(&order_with_quantity(quantity)).is_empty(),
                "`{quantity}`"
            );
        }
        for quantity in ["0", "-1", "1000001", "1.5", "1e400", "\"1\"", "null"] {
            assert_eq!(
                pointers(&order_with_quantity(quantity)),
                ["/items/0/quantity"],
                "`{quantity}`"
            );
        }
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
        ] {
            assert!(
                matches!(Order::parse(body), Err(InvalidOrder::Malformed(_))),
                "{body:?}"
            );
        }
    }
}
