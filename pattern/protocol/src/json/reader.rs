//! The reader: one pass over the bytes, by RFC 8259's grammar and I-JSON's further rules.

use std::borrow::Cow;

use super::{DEPTH_MAX, Kind, Member, Value};

/// Why a text is not JSON that everyone reads alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Something stands where the grammar has something else.
    #[error("expected {expected}, found {} at byte {at}", quoted(*.found))]
    Unexpected {
        /// What the grammar has there.
        expected: &'static str,
        /// `None` is the end of the text.
        found: Option<char>,
        /// Where, in bytes.
        at: usize,
    },
    /// A string has half of a surrogate pair (RFC 7493 §2.1).
    #[error("expected whole surrogate pairs, found half of one at byte {at}")]
    HalfPair {
        /// Where, in bytes.
        at: usize,
    },
    /// An object has a member twice (RFC 7493 §2.3).
    #[error("expected each member once, found `{0}` twice")]
    Twice(String),
    /// It nests deeper than [`DEPTH_MAX`].
    #[error("expected at most {DEPTH_MAX} levels of nesting, found more")]
    TooDeep,
}

fn quoted(character: Option<char>) -> String {
    character.map_or("the end".to_owned(), |character| {
        format!("`{}`", character.escape_debug())
    })
}

/// Reads the one value that `text` is, with or without white space around it.
///
/// # Errors
/// [`Malformed`].
pub fn read(text: &str) -> Result<Value<'_>, Malformed> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = reader.value()?;
    reader.skip_white_space();
    if reader.at < text.len() {
        return Err(reader.unexpected("nothing after the value"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte; always where a character begins.
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        self.skip_white_space();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => Kind::Object(self.object()?),
            Some(b'[') => Kind::Array(self.array()?),
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Kind::Number(self.number()?),
            _ if self.take_word("null") => Kind::Null,
            _ if self.take_word("true") => Kind::Boolean(true),
            _ if self.take_word("false") => Kind::Boolean(false),
            _ => return Err(self.unexpected("a value")),
        };
        let span = start..self.at;
        Ok(Value { kind, span })
    }

    fn object(&mut self) -> Result<Vec<Member<'a>>, Malformed> {
        let mut members = Vec::new();
        self.between(b'{', b'}', "`,` or `}`", |reader| {
            reader.skip_white_space();
            let name = reader.string()?;
            reader.skip_white_space();
            reader.expect(b':', "`:`")?;
            let value = reader.value()?;
            members.push(Member { name, value });
            Ok(())
        })?;
        match twice(&members) {
            Some(name) => Err(Malformed::Twice(name.to_owned())),
            None => Ok(members),
        }
    }

    fn array(&mut self) -> Result<Vec<Value<'a>>, Malformed> {
        let mut elements = Vec::new();
        self.between(b'[', b']', "`,` or `]`", |reader| {
            elements.push(reader.value()?);
            Ok(())
        })?;
        Ok(elements)
    }

    /// Reads what stands between two brackets, each by `one`, with commas in between.
    fn between(
        &mut self,
        open: u8,
        close: u8,
        end: &'static str,
        mut one: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.expect(open, "a bracket")?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Malformed::TooDeep);
        }
        self.skip_white_space();
        if !self.take(close) {
            loop {
                one(self)?;
                self.skip_white_space();
                if self.take(close) {
                    break;
                }
                self.expect(b',', end)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.expect(b'"', "`\"`")?;
        let mut string = Cow::Borrowed("");
        loop {
            let start = self.at;
            self.skip(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f));
            string += &self.text[start..self.at];
            if self.take(b'"') {
                return Ok(string);
            }
            self.expect(
                b'\\',
                "the rest of a string, its control characters escaped",
            )?;
            string.to_mut().push(self.escaped()?);
        }
    }

    /// The character that an escape stands for, from after its backslash on.
    fn escaped(&mut self) -> Result<char, Malformed> {
        let character = match self.peek() {
            Some(b'u') => return self.escaped_code(),
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.unexpected("an escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// RFC 8259 §7: `uXXXX`, or two of them that are a surrogate pair.
    fn escaped_code(&mut self) -> Result<char, Malformed> {
        let half_pair = Malformed::HalfPair { at: self.at - 1 };
        let first = self.code_unit()?;
        let high = (0xd800..0xdc00).contains(&first);
        let code = if high && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            let second = self.code_unit()?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
            low.map(|low| 0x1_0000 + ((first - 0xd800) << 10) + low)
        } else {
            Some(first)
        };
        code.and_then(char::from_u32).ok_or(half_pair)
    }

    /// `uXXXX`
    fn code_unit(&mut self) -> Result<u32, Malformed> {
        self.expect(b'u', "`\\u`")?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit * 16 + digit.ok_or_else(|| self.unexpected("a hexadecimal digit"))?;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        self.take(b'-');
        // RFC 8259 §6: no leading zeros.
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Malformed> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("a digit"));
        }
        self.skip(|byte| byte.is_ascii_digit());
        Ok(())
    }

    fn skip_white_space(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.at..];
        let end = rest.iter().position(|byte| !skipped(*byte));
        self.at += end.unwrap_or(rest.len());
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.text[self.at..].starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Malformed> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn unexpected(&self, expected: &'static str) -> Malformed {
        Malformed::Unexpected {
            expected,
            found: self.text[self.at..].chars().next(),
            at: self.at,
        }
    }
}

/// A name that more than one of `members` has.
fn twice<'m>(members: &'m [Member<'_>]) -> Option<&'m str> {
    // Sorted, because comparing each with each would take the square of a hostile number.
    let mut names: Vec<&str> = members.iter().map(|member| member.name.as_ref()).collect();
    names.sort_unstable();
    let pair = names.windows(2).find(|pair| pair[0] == pair[1]);
    pair.map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    /// JSON, and what is nearly JSON: fragments in any order, which nest and close more often than not.
    fn nearly_json() -> impl Strategy<Value = String> {
        const FRAGMENTS: &[&str] = &[
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"a\":",
            "\"b\":",
            "\\",
            "\\u0061",
            "\\ud83d\\ude00",
            "\\ud800",
            "\\n",
            "\\x",
            "null",
            "true",
            "false",
            "nul",
            "0",
            "01",
            "-1",
            "1.5",
            "1.",
            ".5",
            "1e9",
            "1E+2",
            "2e",
            "-",
            " ",
            "\n",
            "\u{1}",
            "é",
            "😀",
        ];
        let leaf = prop_oneof![
            prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
            Just("\"x\\u00e9\"".to_owned()),
            Just("-0.10e-3".to_owned()),
        ];
        leaf.prop_recursive(5, 48, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|elements| format!("[{}]", elements.join(","))),
                prop::collection::vec(("[a-c]", inner.clone()), 0..3).prop_map(|members| {
                    let members: Vec<_> = members
                        .into_iter()
                        .map(|(name, value)| format!("\"{name}\" :{value}"))
                        .collect();
                    format!("{{{}}}", members.join(", "))
                }),
                prop::collection::vec(inner, 0..3).prop_map(|parts| parts.concat()),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_grammar_is_the_one_that_others_read(text in nearly_json()) {
            let others = serde_json::from_str::<IgnoredAny>(&text);
            match read(&text) {
                Ok(value) => {
                    prop_assert!(others.is_ok(), "`{text}`: {others:?}");
                    prop_assert_eq!(value.of(&text), text.trim_ascii());
                }
                Err(Malformed::Unexpected { .. }) => prop_assert!(others.is_err(), "`{}`", text),
                Err(Malformed::HalfPair { .. } | Malformed::Twice(_) | Malformed::TooDeep) => {}
            }
        }

        #[test]
        fn a_string_says_what_others_read(text in "\"([a-z\"é😀]|\\\\[\"\\\\/bfnrtu]|\\\\u(00[0-7]|d83|de0)[0-9a-fA-F]){0,6}\"") {
            let ours = match read(&text) {
                Ok(Value { kind: Kind::String(string), .. }) => Some(string.into_owned()),
                _ => None,
            };
            prop_assert_eq!(ours, serde_json::from_str::<String>(&text).ok());
        }
    }

    #[test]
    fn a_member_is_found_twice_also_by_other_escapes() {
        for text in [r#"{"a":1,"b":2,"a":3}"#, r#"[{"\u0061":1,"a":2}]"#] {
            assert_eq!(read(text).err(), Some(Malformed::Twice("a".to_owned())));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, message) in [
            ("{\"a\":1,}", "expected `\"`, found `}` at byte 7"),
            ("[1 2]", "expected `,` or `]`, found `2` at byte 3"),
            ("[1", "expected `,` or `]`, found the end at byte 2"),
            (
                "1 é",
                "expected nothing after the value, found `é` at byte 2",
            ),
            (
                "\"\\ud800\"",
                "expected whole surrogate pairs, found half of one at byte 1",
            ),
        ] {
            assert_eq!(
                read(text).err().map(|error| error.to_string()).as_deref(),
                Some(message)
            );
        }
    }
}
