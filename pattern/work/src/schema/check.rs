//! Holding a value to a schema: every fault, each where it is.

use std::collections::BTreeSet;

use protocol::json::{Decimal, Kind, Member, Value, member};

use super::Schema;
use super::node::{Bound, Constant, Counts, Node, Plain, Type};
use crate::fault::Faults;

/// How many steps may lead from a value to what judges it, by references and combinations: more is a
/// schema that leads to itself.
const STEPS_MAX: usize = 64;

/// Notes in `faults` all that is wrong with `value`.
pub(super) fn check(schema: &Schema, value: &Value<'_>, faults: &mut Faults) {
    Check { schema, faults }.node(&schema.root, value, "", 0);
}

struct Check<'s, 'f> {
    schema: &'s Schema,
    faults: &'f mut Faults,
}

impl<'s> Check<'s, '_> {
    fn node(&mut self, node: &'s Node, value: &Value<'_>, pointer: &str, steps: usize) {
        if steps > STEPS_MAX {
            return self.faults.push(
                pointer,
                "expected a value that the schema can judge, found a schema that leads to itself",
            );
        }
        if node.never {
            return self
                .faults
                .push(pointer, "expected nothing here, found a value");
        }
        let definition = node.reference.as_ref();
        let definition = definition.and_then(|name| self.schema.definitions.get(name));
        for node in definition.into_iter().chain(&node.all_of) {
            self.node(node, value, pointer, steps + 1);
        }
        if !self.is_itself_as_expected(node, value, pointer) {
            return;
        }
        match &value.kind {
            Kind::Array(values) => self.array(node, values, pointer),
            Kind::Object(members) => self.object(node, members, pointer),
            _ => {}
        }
        if !node.any_of.is_empty() {
            self.some_of(&node.any_of, None, value, pointer, steps + 1);
        }
        if !node.one_of.is_empty() {
            self.some_of(&node.one_of, Some(1), value, pointer, steps + 1);
        }
    }

    /// Judges the value apart from what is inside it.
    fn is_itself_as_expected(&mut self, node: &Node, value: &Value<'_>, pointer: &str) -> bool {
        if let Some(values) = &node.values
            && !values.iter().any(|constant| constant.is(value))
        {
            self.faults.push(pointer, unlike(values, value));
            return false;
        }
        let is_typed = node
            .types
            .as_ref()
            .is_none_or(|types| types.iter().any(|one| is_of(*one, value)));
        let found = match &value.kind {
            _ if !is_typed && !matches!(value.kind, Kind::Number(_)) => {
                value.kind_name().to_owned()
            }
            Kind::Number(number) if !is_typed || !is_within(node, number) => format!("`{number}`"),
            Kind::String(string) => {
                let chars = string.chars().count();
                if node.length.hold(chars) {
                    return true;
                }
                format!("{chars} characters")
            }
            _ => return true,
        };
        let detail = format!("expected {}, found {found}", expected(node, value));
        self.faults.push(pointer, detail);
        false
    }

    fn array(&mut self, node: &'s Node, values: &[Value<'_>], pointer: &str) {
        if !node.item_count.hold(values.len()) {
            let detail = format!(
                "expected {}, found {}",
                counted(node.item_count, "items"),
                values.len()
            );
            return self.faults.push(pointer, detail);
        }
        if node.unique_items {
            let different: BTreeSet<_> = values.iter().map(Plain::of).collect();
            if different.len() < values.len() {
                let detail = "expected items that differ, found some that are equal";
                self.faults.push(pointer, detail);
            }
        }
        if let Some(items) = &node.items {
            for (index, value) in values.iter().enumerate() {
                self.node(items, value, &format!("{pointer}/{index}"), 0);
            }
        }
    }

    fn object(&mut self, node: &'s Node, members: &[Member<'_>], pointer: &str) {
        if !node.property_count.hold(members.len()) {
            let detail = format!(
                "expected {}, found {}",
                counted(node.property_count, "members"),
                members.len()
            );
            self.faults.push(pointer, detail);
        }
        for (name, property) in &node.properties {
            if let Some(value) = member(members, name) {
                self.node(property, value, &below(pointer, name), 0);
            } else if node.required.contains(name) {
                self.missing(property, &below(pointer, name));
            }
        }
        let is_known = |name: &str| node.properties.iter().any(|(known, _)| known == name);
        for name in node.required.iter().filter(|name| !is_known(name)) {
            if member(members, name).is_none() {
                self.faults
                    .push(below(pointer, name), "expected a value, found nothing");
            }
        }
        if let Some(additional) = &node.additional {
            for member in members.iter().filter(|member| !is_known(&member.name)) {
                let pointer = below(pointer, &member.name);
                self.node(additional, &member.value, &pointer, 0);
            }
        }
    }

    fn missing(&mut self, node: &'s Node, pointer: &str) {
        let reference = node.reference.as_ref();
        let node = reference
            .and_then(|name| self.schema.definitions.get(name))
            .unwrap_or(node);
        let detail = format!("expected {}, found nothing", of_any_type(node));
        self.faults.push(pointer, detail);
    }

    /// Judges by several schemas, of which at least one has to hold the value, and at most `most`.
    fn some_of(
        &mut self,
        nodes: &'s [Node],
        most: Option<usize>,
        value: &Value<'_>,
        pointer: &str,
        steps: usize,
    ) {
        let tried: Vec<_> = nodes
            .iter()
            .map(|node| {
                let mut faults = Faults::default();
                let schema = self.schema;
                Check {
                    schema,
                    faults: &mut faults,
                }
                .node(node, value, pointer, steps);
                faults.into_vec()
            })
            .collect();
        let held = tried.iter().filter(|faults| faults.is_empty()).count();
        if held > 0 && most.is_none_or(|most| held <= most) {
            return;
        }
        if held > 0 {
            let detail = format!(
                "expected one of {} shapes, found {held} that fit",
                nodes.len()
            );
            return self.faults.push(pointer, detail);
        }
        // The shape that is meant is one which the value is, and whose constants its members have.
        let is_meant = |faults: &Vec<crate::Fault>| {
            faults
                .iter()
                .all(|fault| fault.pointer != pointer && !fault.detail.starts_with("expected `"))
        };
        let mut meant = tried.into_iter().filter(is_meant);
        if let (Some(faults), None) = (meant.next(), meant.next()) {
            for fault in faults {
                self.faults.push(fault.pointer, fault.detail);
            }
            return;
        }
        let found = value.kind_name();
        let detail = format!(
            "expected one of {} shapes, found {found} of none",
            nodes.len()
        );
        self.faults.push(pointer, detail);
    }
}

/// That a value is none of those which are spelled out.
fn unlike(values: &[Constant], value: &Value<'_>) -> String {
    let texts = values.iter().map(|constant| format!("`{}`", constant.text));
    let expected = texts.collect::<Vec<_>>().join(", ");
    let one_of = if values.len() == 1 { "" } else { "one of " };
    format!("expected {one_of}{expected}, found {}", value.kind_name())
}

fn is_of(one: Type, value: &Value<'_>) -> bool {
    match (one, &value.kind) {
        (Type::Integer, Kind::Number(number)) => Decimal::of(number).is_integer(),
        (Type::Null, Kind::Null)
        | (Type::Boolean, Kind::Boolean(_))
        | (Type::Number, Kind::Number(_))
        | (Type::String, Kind::String(_))
        | (Type::Array, Kind::Array(_))
        | (Type::Object, Kind::Object(_)) => true,
        _ => false,
    }
}

fn is_within(node: &Node, number: &str) -> bool {
    if node.minimum.is_none() && node.maximum.is_none() {
        return true;
    }
    let number = Decimal::of(number);
    let above = |bound: &Bound| number > bound.value || (!bound.exclusive && number == bound.value);
    let below = |bound: &Bound| number < bound.value || (!bound.exclusive && number == bound.value);
    node.minimum.as_ref().is_none_or(above) && node.maximum.as_ref().is_none_or(below)
}

/// What is expected in the place of `value`, for people.
fn expected(node: &Node, value: &Value<'_>) -> String {
    if node.types.is_some() {
        return of_any_type(node);
    }
    match value.kind {
        Kind::Number(_) => of_type(node, Type::Number),
        _ => of_type(node, Type::String),
    }
}

fn of_any_type(node: &Node) -> String {
    let types = node.types.iter().flatten();
    let names: Vec<_> = types.map(|one| of_type(node, *one)).collect();
    if names.is_empty() {
        return "a value".to_owned();
    }
    names.join(" or ")
}

fn of_type(node: &Node, one: Type) -> String {
    let name = match one {
        Type::Null => "null",
        Type::Boolean => "a boolean",
        Type::Integer => "an integer",
        Type::Number => "a number",
        Type::String => "a string",
        Type::Array => "an array",
        Type::Object => "an object",
    };
    match one {
        Type::Integer | Type::Number => {
            let range = range(node.minimum.as_ref(), node.maximum.as_ref());
            format!("{name}{range}")
        }
        Type::String if node.length.min.is_some() || node.length.max.is_some() => {
            format!("{name} of {}", counted(node.length, "characters"))
        }
        _ => name.to_owned(),
    }
}

fn range(minimum: Option<&Bound>, maximum: Option<&Bound>) -> String {
    match (minimum, maximum) {
        (None, None) => String::new(),
        (Some(minimum), Some(maximum)) if !minimum.exclusive && !maximum.exclusive => {
            format!(" from {} to {}", minimum.text, maximum.text)
        }
        (minimum, maximum) => {
            let bound = |words: [&str; 2], bound: &Bound| {
                format!(" {} {}", words[usize::from(bound.exclusive)], bound.text)
            };
            let minimum = minimum.map(|minimum| bound(["of at least", "above"], minimum));
            let maximum = maximum.map(|maximum| bound(["of at most", "below"], maximum));
            minimum.into_iter().chain(maximum).collect()
        }
    }
}

fn counted(counts: Counts, what: &str) -> String {
    match (counts.min, counts.max) {
        (Some(min), Some(max)) => format!("{min} to {max} {what}"),
        (Some(min), None) => format!("at least {min} {what}"),
        (None, Some(max)) => format!("at most {max} {what}"),
        (None, None) => what.to_owned(),
    }
}

/// The pointer to a member (RFC 6901 §3).
fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}
