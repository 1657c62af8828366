//! JSON Schema (draft 2020-12), as much of it as says what data looks like.
//!
//! Values are judged by their text, as the strict reader gives it: numbers by their digits, and no name
//! means anything. That, and what a general implementation costs a component (it makes ours four
//! times as large), is why this one is our own. A keyword that it does not know is refused, so that
//! no schema says more than is held.

mod check;
mod node;

use std::collections::BTreeMap;

use protocol::json::{self, Value};

use crate::fault::Faults;
use node::Node;

/// What values of some kind must look like.
#[derive(Debug)]
pub struct Schema {
    root: Node,
    definitions: BTreeMap<String, Node>,
}

impl Schema {
    /// Reads a schema from its JSON text.
    ///
    /// # Errors
    /// With a sentence, if it is no JSON, or has a keyword or a value of one that is not known here.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = json::read(text).map_err(|error| error.to_string())?;
        let mut definitions = BTreeMap::new();
        let root = Node::read(&value, "", &mut definitions)?;
        let schema = Self { root, definitions };
        match schema.undefined() {
            Some(name) => Err(format!("expected a definition of `{name}`, found none")),
            None => Ok(schema),
        }
    }

    /// Notes in `faults` all that is wrong with `value`.
    pub fn check(&self, value: &Value<'_>, faults: &mut Faults) {
        check::check(self, value, faults);
    }

    /// The name of a definition that is referred to and not there.
    fn undefined(&self) -> Option<&str> {
        let nodes = std::iter::once(&self.root).chain(self.definitions.values());
        nodes
            .flat_map(Node::references)
            .find(|name| !self.definitions.contains_key(*name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(schema: &str, value: &str) -> Vec<(String, String)> {
        let schema = Schema::parse(schema).expect("a schema");
        let value = json::read(value).expect("JSON");
        let mut faults = Faults::default();
        schema.check(&value, &mut faults);
        let faults = faults.into_vec().into_iter();
        faults.map(|fault| (fault.pointer, fault.detail)).collect()
    }

    fn pointers(schema: &str, value: &str) -> Vec<String> {
        let faults = faults(schema, value).into_iter();
        faults.map(|(pointer, _)| pointer).collect()
    }

    /// Each schema, values that are held by it, and values that are not.
    #[test]
    fn a_value_is_held_to_each_keyword() {
        for (schema, held, not_held) in [
            ("true", &["1", "null"][..], &[][..]),
            ("{}", &["1", "[]"], &[]),
            ("false", &[], &["1", "{}"]),
            (r#"{"type":"null"}"#, &["null"], &["0", "false"]),
            (r#"{"type":"boolean"}"#, &["true", "false"], &["0"]),
            (r#"{"type":"string"}"#, &["\"\""], &["0", "null"]),
            (r#"{"type":["string","null"]}"#, &["\"a\"", "null"], &["0"]),
            (r#"{"type":"number"}"#, &["1.5", "1e999"], &["\"1\""]),
            (
                r#"{"type":"integer"}"#,
                &["1", "1.0", "1e3", "1e999"],
                &["1.5", "1.00000000000000000001", "1e-999"],
            ),
            (
                r#"{"minimum":0.1,"maximum":0.3}"#,
                &["0.1", "0.30", "1e-1", "\"x\""],
                &["0.09999999999999999999999", "0.3000000000000000000001"],
            ),
            (
                r#"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#,
                &["0.5"],
                &["0", "-0", "1.0"],
            ),
            (
                r#"{"minLength":1,"maxLength":2}"#,
                &["\"é\"", "\"🍵🍵\"", "\"\\u00e9\"", "1"],
                &["\"\"", "\"abc\""],
            ),
            (
                r#"{"items":{"type":"null"},"minItems":1,"maxItems":2}"#,
                &["[null]", "{}"],
                &["[]", "[null,null,null]", "[1]"],
            ),
            (
                r#"{"uniqueItems":true}"#,
                &["[1,2,\"1\"]"],
                &["[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]"],
            ),
            (
                r#"{"properties":{"a":{"type":"null"}},"required":["a"]}"#,
                &["{\"a\":null,\"b\":1}", "1"],
                &["{}", "{\"a\":1}"],
            ),
            (
                r#"{"properties":{"a":true},"additionalProperties":false}"#,
                &["{\"a\":1}", "{}"],
                &["{\"b\":1}"],
            ),
            (
                r#"{"additionalProperties":{"type":"null"},"minProperties":1,"maxProperties":2}"#,
                &["{\"b\":null}"],
                &["{\"b\":1}", "{}", "{\"a\":null,\"b\":null,\"c\":null}"],
            ),
            (
                r#"{"enum":["a",1,[{"b":null}]]}"#,
                &["\"a\"", "1.0", "[{\"b\":null}]", "\"\\u0061\""],
                &["\"b\"", "2", "[{\"b\":1}]", "[]"],
            ),
            (r#"{"enum":[1,5],"minimum":3}"#, &["5"], &["1", "4"]),
            (r#"{"const":{"a":1}}"#, &["{\"a\":1e0}"], &["{}", "1"]),
            (
                r#"{"anyOf":[{"type":"string"},{"type":"integer","minimum":1}]}"#,
                &["\"\"", "1"],
                &["0", "null"],
            ),
            (
                r#"{"oneOf":[{"minimum":1},{"maximum":3}]}"#,
                &["0", "4"],
                &["2"],
            ),
            (
                r#"{"allOf":[{"minimum":1},{"maximum":3}]}"#,
                &["2"],
                &["0", "4"],
            ),
            (
                r##"{"$ref":"#/$defs/Tree","$defs":{"Tree":{"type":"object","properties":{"of":{"type":"array","items":{"$ref":"#/$defs/Tree"}}}}}}"##,
                &["{\"of\":[{\"of\":[]}]}"],
                &["{\"of\":[{\"of\":[1]}]}", "1"],
            ),
        ] {
            for value in held {
                assert!(faults(schema, value).is_empty(), "`{schema}`: `{value}`");
            }
            for value in not_held {
                assert!(!faults(schema, value).is_empty(), "`{schema}`: `{value}`");
            }
        }
    }

    #[test]
    fn every_fault_is_told_where_it_is_and_with_what_was_expected() {
        let schema = r#"{
            "type": "object",
            "properties": {
                "a/b": {"type": "string", "minLength": 1, "maxLength": 3},
                "list": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1, "maximum": 9}},
                "kind": {"enum": ["x", "y"]}
            },
            "required": ["a/b", "list", "more"]
        }"#;
        let told = faults(schema, r#"{"a/b":"","list":[1,0,"1"],"kind":"z"}"#);
        let told: Vec<_> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    "/a~1b",
                    "expected a string of 1 to 3 characters, found 0 characters"
                ),
                ("/list/1", "expected an integer from 1 to 9, found `0`"),
                ("/list/2", "expected an integer from 1 to 9, found a string"),
                ("/kind", "expected one of `\"x\"`, `\"y\"`, found a string"),
                ("/more", "expected a value, found nothing"),
            ]
        );
    }

    #[test]
    fn of_several_shapes_the_one_that_is_meant_is_judged() {
        let schema = r#"{"oneOf":[
            {"type":"object","properties":{"kind":{"const":"a"},"n":{"type":"integer"}},"required":["kind","n"]},
            {"type":"object","properties":{"kind":{"const":"b"}},"required":["kind"]}
        ]}"#;
        assert!(faults(schema, r#"{"kind":"b"}"#).is_empty());
        assert_eq!(pointers(schema, r#"{"kind":"a","n":"1"}"#), ["/n"]);
        assert_eq!(pointers(schema, r#"{"kind":"c"}"#), [""]);
        let optional = r#"{"anyOf":[{"type":"object","required":["a"]},{"type":"null"}]}"#;
        assert_eq!(pointers(optional, "{}"), ["/a"]);
    }

    #[test]
    fn a_schema_that_says_more_than_is_held_is_refused() {
        for schema in [
            "1",
            "{",
            r#"{"pattern":"a"}"#,
            r#"{"if":{}}"#,
            r#"{"properties":{"a":{"format":1,"contains":{}}}}"#,
            r#"{"type":"text"}"#,
            r#"{"minimum":1,"exclusiveMinimum":2}"#,
            r#"{"properties":{"a":{"$defs":{}}}}"#,
            r#"{"minLength":-1}"#,
            r#"{"minimum":"1"}"#,
            r#"{"required":"a"}"#,
            r##"{"$ref":"#/$defs/None"}"##,
            r#"{"$ref":"https://example.com/schema"}"#,
        ] {
            assert!(Schema::parse(schema).is_err(), "`{schema}`");
        }
        let refused = Schema::parse(r#"{"properties":{"a":{"pattern":"x"}}}"#);
        let sentence = refused.expect_err("it has a pattern");
        assert!(sentence.contains("/properties/a/pattern"), "{sentence}");
    }

    #[test]
    fn a_schema_that_only_leads_to_itself_ends() {
        let circle = r##"{"$ref":"#/$defs/A","$defs":{"A":{"anyOf":[{"$ref":"#/$defs/A"}]}}}"##;
        assert_eq!(pointers(circle, "1"), [""]);
    }
}
