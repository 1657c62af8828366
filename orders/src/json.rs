//! One strict reading of JSON text, into slices of it.
//!
//! What is read once, and cut instead of written anew, cannot mean one thing to who checked it and
//! another to who gets it. So numbers are their digits, and no name means anything to the reader.
//! Beyond RFC 8259's grammar a text must be understood alike by every reader, as I-JSON (RFC 7493)
//! has it: no member twice (§2.3), no half of a surrogate pair (§2.1).

use std::borrow::Cow;
use std::ops::Range;

mod reader;

pub(crate) use reader::read;

/// How deep JSON may nest. A bound on this reader's stack and on those of later ones, ours and others'.
pub const DEPTH_MAX: usize = 32;

/// A value, and where in the text it stands.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) kind: Kind<'a>,
    span: Range<usize>,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind<'a> {
    Null,
    Boolean,
    /// As it is written.
    Number(&'a str),
    /// What it says, without escapes.
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Vec<Member<'a>>),
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// What its name says, without escapes.
    name: Cow<'a, str>,
    value: Value<'a>,
}

impl Value<'_> {
    /// The text of this value in `text`, of which it was read.
    pub(crate) fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.span.clone()]
    }

    /// `text`, of which this object was read, in which the member `name`, which needs no escapes, is
    /// the JSON `value`: in place of the one that is there, or after the last. The rest stays as it
    /// is. `None` if this is no object.
    pub(crate) fn with_member(&self, text: &str, name: &str, value: &str) -> Option<String> {
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
pub(crate) fn member<'m, 'a>(members: &'m [Member<'a>], name: &str) -> Option<&'m Value<'a>> {
    let member = members.iter().find(|member| member.name == name);
    member.map(|member| &member.value)
}

/// The integer that a JSON number is, if it has at most 18 digits: `1.0` and `1e0` are one, and
/// `1.00000000000000000001` is none.
pub(crate) fn integer(number: &str) -> Option<i64> {
    const DIGITS_MAX: i64 = 18;
    let (negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number),
    };
    let (decimal, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    // The value is `digits` times ten to the power of `scale`, and no digits are zero.
    let all = [whole, fraction].concat();
    let digits = all.trim_end_matches('0');
    let dropped = all.len() - digits.len();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // An exponent of more digits than these is beyond what any text's length can make up for.
    let exponent: i64 = exponent.parse().ok()?;
    let length = |count: usize| i64::try_from(count).ok();
    let scale = exponent
        .checked_sub(length(fraction.len())?)?
        .checked_add(length(dropped)?)?;
    if scale < 0 || scale.checked_add(length(digits.len())?)? > DIGITS_MAX {
        return None;
    }
    let magnitude = digits.parse::<i64>().ok()? * 10_i64.pow(u32::try_from(scale).ok()?);
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_integer_is_judged_by_its_digits(integer in -999_999_i64..=999_999, zeros in 0_usize..30) {
            let zero = "0".repeat(zeros);
            for text in [
                format!("{integer}.0{zero}"),
                format!("{integer}e0"),
                format!("{integer}{zero}E-{zeros}"),
                format!("{integer}.0{zero}e+0"),
            ] {
                prop_assert_eq!(super::integer(&text), Some(integer), "`{}`", text);
            }
            let near = format!("{integer}.0{zero}1");
            prop_assert_eq!(super::integer(&near), None, "`{}`", near);
        }
    }

    #[test]
    fn an_integer_has_at_most_18_digits_however_it_is_written() {
        assert_eq!(integer("1e17"), Some(100_000_000_000_000_000));
        assert_eq!(integer("0.00012e4"), None);
        assert_eq!(integer("0.00012e5"), Some(12));
        for zero in ["0", "-0", "0.00", "0e99999999999999999999999"] {
            assert_eq!(integer(zero), Some(0), "`{zero}`");
        }
        for number in [
            "1e18",
            "1e99999999999999999999999",
            "1e-99999999999999999999999",
            "1e9223372036854775807",
            "0.1e-9223372036854775808",
            "0.5",
        ] {
            assert_eq!(integer(number), None, "`{number}`");
        }
    }

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
