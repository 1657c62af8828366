//! What Rust code names, read from its tokens: neither a comment nor a string names anything.
//!
//! Tests are left out: an item under `#[cfg(test)]` may name what the code beside it may not.

use std::iter::Peekable;
use std::str::FromStr;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The names and numbers in a file, in its order.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) paths: Vec<Path>,
    pub(super) literals: Vec<Literal>,
}

/// `std::fs::read`, or what `use std::{env, fs::File}` brings in: two of them.
#[derive(Debug)]
pub(super) struct Path {
    segments: Vec<String>,
    pub(super) line: usize,
}

/// A number, string or character, as it is written.
#[derive(Debug)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Code {
    /// Reads a file.
    ///
    /// # Errors
    /// With the lexer's complaint, if it is not Rust.
    pub(super) fn read(source: &str) -> Result<Self, String> {
        let tokens = TokenStream::from_str(source).map_err(|error| error.to_string())?;
        let mut code = Self::default();
        code.collect(tokens, &[]);
        Ok(code)
    }

    /// Takes in `tokens`, whose paths go on from `prefix`; it is empty but within `use prefix::{…}`.
    fn collect(&mut self, tokens: TokenStream, prefix: &[String]) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) => {
                    let segments = [prefix, &[ident.to_string()]].concat();
                    self.rest_of_path(segments, ident.span().start().line, &mut tokens);
                }
                TokenTree::Literal(literal) => {
                    let line = literal.span().start().line;
                    self.literals.push(Literal {
                        text: literal.to_string(),
                        line,
                    });
                }
                TokenTree::Group(group) => self.collect(group.stream(), &[]),
                TokenTree::Punct(punct) if punct.as_char() == '#' => attribute(&mut tokens),
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn rest_of_path(&mut self, mut segments: Vec<String>, line: usize, tokens: &mut Tokens) {
        while skip_double_colon(tokens) {
            match tokens.peek() {
                Some(TokenTree::Ident(ident)) => segments.push(ident.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.collect(group.stream(), &segments);
                    tokens.next();
                    return;
                }
                // A glob, or type arguments.
                _ => break,
            }
            tokens.next();
        }
        // A length of time is a value of its own, and its number no number of the code.
        if segments.iter().any(|segment| segment == "Duration") && is_one_literal(tokens.peek()) {
            tokens.next();
        }
        self.paths.push(Path { segments, line });
    }
}

impl Path {
    /// Its names, in their order.
    pub(super) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether this path names `wanted`: `::a` is the crate `a`, `a::b` are segments anywhere.
    pub(super) fn names(&self, wanted: &str) -> bool {
        if let Some(name) = wanted.strip_prefix("::") {
            return self.segments[0] == name;
        }
        let wanted: Vec<_> = wanted.split("::").collect();
        self.segments
            .windows(wanted.len())
            .any(|segments| segments == wanted)
    }
}

type Tokens = Peekable<IntoIter>;

fn skip_double_colon(tokens: &mut Tokens) -> bool {
    let is_next = matches!(tokens.peek(), Some(TokenTree::Punct(punct))
        if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
    if is_next {
        tokens.nth(1);
    }
    is_next
}

/// Skips what a `#` begins if it is documentation, or a test with its attribute.
fn attribute(tokens: &mut Tokens) {
    if matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!') {
        tokens.next();
    }
    let Some(TokenTree::Group(group)) = tokens.peek() else {
        return;
    };
    let attribute = group.stream().to_string().replace(' ', "");
    if attribute.starts_with("doc=") {
        tokens.next();
    } else if attribute == "cfg(test)" {
        skip_item(tokens);
    }
}

fn is_one_literal(token: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = token else {
        return false;
    };
    let mut tokens = group.stream().into_iter();
    matches!(tokens.next(), Some(TokenTree::Literal(_))) && tokens.next().is_none()
}

/// Skips an attribute and the item that it stands on: up to its body, or to its semicolon.
fn skip_item(tokens: &mut Tokens) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(punct) if punct.as_char() == ';' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Code {
        Code::read(source).expect("the sample is Rust")
    }

    fn paths(source: &str) -> Vec<String> {
        read(source)
            .paths
            .iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn use_groups_are_spelt_out() {
        let expected = ["use", "std::env", "std::fs::self", "std::fs::File"];
        assert_eq!(paths("use std::{env, fs::{self, File}};"), expected);
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        assert_eq!(
            paths("/* std::fs */ // std::net\n\"std::env\""),
            Vec::<String>::new()
        );
    }

    #[test]
    fn documentation_and_lengths_of_time_have_no_literals() {
        let source = "//! 404\n/// 500\nDuration::from_millis(503); answer(410)";
        let texts: Vec<_> = read(source)
            .literals
            .into_iter()
            .map(|literal| literal.text)
            .collect();
        assert_eq!(texts, ["410"]);
    }

    #[test]
    fn tests_are_left_out() {
        let source = "#[cfg(test)] mod tests { use std::fs; } #[cfg(test)] use std::env; after";
        assert_eq!(paths(source), ["after"]);
    }

    #[test]
    fn names_and_numbers_carry_their_line() {
        let code = read("\nanswer(404)\n");
        assert_eq!((code.paths[0].line, code.literals[0].line), (2, 2));
        assert_eq!(code.literals[0].text, "404");
    }

    #[test]
    fn a_crate_is_named_by_the_first_segment_only() {
        let path = |source: &str| read(source).paths.remove(0);
        assert!(path("redis::Client").names("::redis"));
        assert!(!path("kv::redis::Store").names("::redis"));
        assert!(path("a::std::fs::read").names("std::fs"));
        assert!(!path("std::fsync").names("std::fs"));
    }
}
