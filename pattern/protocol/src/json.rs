//! One strict reading of JSON text, into slices of it.
//!
//! What is read once, and cut instead of written anew, cannot mean one thing to who checked it and
//! another to who gets it. So numbers are their digits, and no name means anything to the reader.
//! Beyond RFC 8259's grammar a text must be understood alike by every reader, as I-JSON (RFC 7493)
//! has it: no member twice (§2.3), no half of a surrogate pair (§2.1).

use std::borrow::Cow;
use std::ops::Range;

mod decimal;
mod reader;

pub use decimal::Decimal;
pub use reader::{Malformed, read};

/// How deep JSON may nest. A bound on this reader's stack and on those of later ones, ours and others'.
pub const DEPTH_MAX: usize = 32;

/// A value, and where in the text it stands.
#[derive(Debug)]
pub struct Value<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    span: Range<usize>,
}

/// What a value is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// As it is written.
    Number(&'a str),
    /// What it says, without escapes.
    String(Cow<'a, str>),
    /// Its elements.
    Array(Vec<Value<'a>>),
    /// Its members, in the order in which they stand.
    Object(Vec<Member<'a>>),
}

/// A member of an object.
#[derive(Debug)]
pub struct Member<'a> {
    /// What its name says, without escapes.
    pub name: Cow<'a, str>,
    /// What stands behind the colon.
    pub value: Value<'a>,
}

impl Value<'_> {
    /// What it is, for people.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Boolean(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::Array(_) => "an array",
            Kind::Object(_) => "an object",
        }
    }

    /// The text of this value in `text`, of which it was read.
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.span.clone()]
    }

    /// `text`, of which this object was read, in which the member `name`, which needs no escapes, is
    /// the JSON `value`: in place of the one that is there, or after the last. The rest stays as it
    /// is. `None` if this is no object.
    pub fn with_member(&self, text: &str, name: &str, value: &str) -> Option<String> {
        let Kind::Object(members) = &self.kind else {
            return None;
        };
        let (place, new) = match (member(members, name), members.last()) {
            (Some(old), _) => (old.span.clone(), value.to_owned()),
            (None, Some(last)) => {
                let end = last.value.span.end;
                (end..end, format!(",\"{name}\":{value}"))
            }
            (None, None) => {
                let inside = self.span.start + 1;
                (inside..inside, format!("\"{name}\":{value}"))
            }
        };
        Some([&text[..place.start], &new, &text[place.end..]].concat())
    }
}

/// The value of the member `name`, if it is there.
pub fn member<'m, 'a>(members: &'m [Member<'a>], name: &str) -> Option<&'m Value<'a>> {
    let member = members.iter().find(|member| member.name == name);
    member.map(|member| &member.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_set_and_all_else_stays() {
        let with = |text: &str| {
            let value = read(text).expect("JSON");
            value.with_member(text, "at", "0")
        };
        for (text, expected) in [
            ("{}", "{\"at\":0}"),
            (" { } ", " {\"at\":0 } "),
            ("{\"a\":1e0 }", "{\"a\":1e0,\"at\":0 }"),
            (
                "{\"at\": [1], \"a\":{\"at\":1}}",
                "{\"at\": 0, \"a\":{\"at\":1}}",
            ),
            ("{\"a\":1,\"\\u0061t\":{} }", "{\"a\":1,\"\\u0061t\":0 }"),
        ] {
            assert_eq!(with(text).as_deref(), Some(expected));
        }
        assert_eq!(with("[1]"), None);
    }
}
