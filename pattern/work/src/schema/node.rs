//! A schema as it is read: each keyword that says something, by its type.

use std::collections::BTreeMap;

use protocol::json::{Decimal, Kind, Member, Value};

/// What one value must look like.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Whether nothing is held by it, as by the schema `false`.
    pub(super) never: bool,
    pub(super) reference: Option<String>,
    pub(super) types: Option<Vec<Type>>,
    /// `enum`, or `const`.
    pub(super) values: Option<Vec<Constant>>,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    pub(super) length: Counts,
    pub(super) items: Option<Box<Self>>,
    pub(super) item_count: Counts,
    pub(super) unique_items: bool,
    pub(super) properties: Vec<(String, Self)>,
    pub(super) required: Vec<String>,
    pub(super) additional: Option<Box<Self>>,
    pub(super) property_count: Counts,
    pub(super) all_of: Vec<Self>,
    pub(super) any_of: Vec<Self>,
    pub(super) one_of: Vec<Self>,
}

/// A bound of numbers.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) value: Decimal,
    /// As it is written, for people.
    pub(super) text: String,
    pub(super) exclusive: bool,
}

/// Bounds of a count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
}

impl Counts {
    pub(super) fn hold(self, count: usize) -> bool {
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

/// A name that `type` may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// A value that is spelled out in a schema.
#[derive(Debug)]
pub(super) struct Constant {
    value: Plain,
    /// Its text, for people.
    pub(super) text: String,
}

/// A value by what it says, and not by how it is written.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plain {
    Null,
    Boolean(bool),
    Number(Decimal),
    String(String),
    Array(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

impl Constant {
    pub(super) fn is(&self, value: &Value<'_>) -> bool {
        self.value == Plain::of(value)
    }
}

impl Plain {
    pub(super) fn of(value: &Value<'_>) -> Self {
        match &value.kind {
            Kind::Null => Self::Null,
            Kind::Boolean(boolean) => Self::Boolean(*boolean),
            Kind::Number(number) => Self::Number(Decimal::of(number)),
            Kind::String(string) => Self::String(string.clone().into_owned()),
            Kind::Array(values) => Self::Array(values.iter().map(Self::of).collect()),
            Kind::Object(members) => {
                let members = members.iter();
                let named =
                    members.map(|member| (member.name.to_string(), Self::of(&member.value)));
                Self::Object(named.collect())
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::String(string) => format!("\"{string}\""),
            Self::Number(number) => number
                .to_i64()
                .map_or("a number".to_owned(), |number| number.to_string()),
            Self::Array(_) => "an array".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// Keywords that say nothing about values: annotations, and who the schema is.
const SILENT: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "title",
    "description",
    "default",
    "examples",
    "format",
    "deprecated",
    "readOnly",
    "writeOnly",
];

type Definitions = BTreeMap<String, Node>;

impl Node {
    /// Reads the schema that stands at `pointer`, and puts what it defines into `definitions`.
    pub(super) fn read(
        value: &Value<'_>,
        pointer: &str,
        definitions: &mut Definitions,
    ) -> Result<Self, String> {
        match &value.kind {
            Kind::Boolean(boolean) => Ok(Self {
                never: !boolean,
                ..Self::default()
            }),
            Kind::Object(members) => {
                let mut node = Self::default();
                for member in members {
                    let place = format!("{pointer}/{}", member.name);
                    node.read_keyword(member, &place, definitions)?;
                }
                Ok(node)
            }
            _ => Err(unexpected(pointer, "a schema", value)),
        }
    }

    fn read_keyword(
        &mut self,
        Member { name, value }: &Member<'_>,
        pointer: &str,
        definitions: &mut Definitions,
    ) -> Result<(), String> {
        match name.as_ref() {
            "$ref" => self.reference = Some(reference(value, pointer)?),
            // What is defined elsewhere could have the name of what is defined here.
            "$defs" | "definitions" if pointer.matches('/').count() == 1 => {
                for (name, node) in schemas(value, pointer, definitions)? {
                    definitions.insert(name, node);
                }
            }
            "type" => self.types = Some(types(value, pointer)?),
            "enum" => self.values = Some(array(value, pointer)?.iter().map(constant).collect()),
            "const" => self.values = Some(vec![constant(value)]),
            "minimum" => set_bound(&mut self.minimum, bound(value, pointer, false)?, pointer)?,
            "maximum" => set_bound(&mut self.maximum, bound(value, pointer, false)?, pointer)?,
            "exclusiveMinimum" => {
                set_bound(&mut self.minimum, bound(value, pointer, true)?, pointer)?;
            }
            "exclusiveMaximum" => {
                set_bound(&mut self.maximum, bound(value, pointer, true)?, pointer)?;
            }
            "minLength" => self.length.min = Some(count(value, pointer)?),
            "maxLength" => self.length.max = Some(count(value, pointer)?),
            "items" => self.items = Some(Box::new(Self::read(value, pointer, definitions)?)),
            "minItems" => self.item_count.min = Some(count(value, pointer)?),
            "maxItems" => self.item_count.max = Some(count(value, pointer)?),
            "uniqueItems" => match value.kind {
                Kind::Boolean(unique) => self.unique_items = unique,
                _ => return Err(unexpected(pointer, "a boolean", value)),
            },
            "properties" => self.properties = schemas(value, pointer, definitions)?,
            "required" => {
                let names = array(value, pointer)?.iter();
                self.required = names
                    .map(|name| string(name, pointer).map(str::to_owned))
                    .collect::<Result<_, _>>()?;
            }
            "additionalProperties" => {
                self.additional = Some(Box::new(Self::read(value, pointer, definitions)?));
            }
            "minProperties" => self.property_count.min = Some(count(value, pointer)?),
            "maxProperties" => self.property_count.max = Some(count(value, pointer)?),
            "allOf" => self.all_of = list(value, pointer, definitions)?,
            "anyOf" => self.any_of = list(value, pointer, definitions)?,
            "oneOf" => self.one_of = list(value, pointer, definitions)?,
            silent if SILENT.contains(&silent) || silent.starts_with("x-") => {}
            _ => {
                return Err(format!(
                    "expected a keyword that is known here at `{pointer}`, found one that is not"
                ));
            }
        }
        Ok(())
    }

    /// The names of all definitions to which it refers.
    pub(super) fn references(&self) -> Vec<&str> {
        let within = self
            .properties
            .iter()
            .map(|(_, node)| node)
            .chain(self.items.as_deref())
            .chain(self.additional.as_deref())
            .chain(&self.all_of)
            .chain(&self.any_of)
            .chain(&self.one_of);
        let own = self.reference.as_deref();
        own.into_iter()
            .chain(within.flat_map(Self::references))
            .collect()
    }
}

fn reference(value: &Value<'_>, pointer: &str) -> Result<String, String> {
    let name = string(value, pointer)?
        .strip_prefix("#/$defs/")
        .or_else(|| string(value, pointer).ok()?.strip_prefix("#/definitions/"));
    name.map(str::to_owned)
        .ok_or_else(|| unexpected(pointer, "a reference into `#/$defs/`", value))
}

fn types(value: &Value<'_>, pointer: &str) -> Result<Vec<Type>, String> {
    let one = |value: &Value<'_>| match string(value, pointer)? {
        "null" => Ok(Type::Null),
        "boolean" => Ok(Type::Boolean),
        "integer" => Ok(Type::Integer),
        "number" => Ok(Type::Number),
        "string" => Ok(Type::String),
        "array" => Ok(Type::Array),
        "object" => Ok(Type::Object),
        _ => Err(unexpected(pointer, "the name of a type", value)),
    };
    match &value.kind {
        Kind::Array(values) => values.iter().map(one).collect(),
        _ => Ok(vec![one(value)?]),
    }
}

fn constant(value: &Value<'_>) -> Constant {
    let value = Plain::of(value);
    Constant {
        text: value.text(),
        value,
    }
}

fn bound(value: &Value<'_>, pointer: &str, exclusive: bool) -> Result<Bound, String> {
    match value.kind {
        Kind::Number(number) => Ok(Bound {
            value: Decimal::of(number),
            text: number.to_owned(),
            exclusive,
        }),
        _ => Err(unexpected(pointer, "a number", value)),
    }
}

fn set_bound(place: &mut Option<Bound>, bound: Bound, pointer: &str) -> Result<(), String> {
    match place.replace(bound) {
        None => Ok(()),
        Some(_) => Err(format!(
            "expected one bound on each side, found another at `{pointer}`"
        )),
    }
}

fn count(value: &Value<'_>, pointer: &str) -> Result<usize, String> {
    let count = match value.kind {
        Kind::Number(number) => Decimal::of(number).to_i64(),
        _ => None,
    };
    count
        .and_then(|count| usize::try_from(count).ok())
        .ok_or_else(|| unexpected(pointer, "a whole number, 0 or more", value))
}

fn list(
    value: &Value<'_>,
    pointer: &str,
    definitions: &mut Definitions,
) -> Result<Vec<Node>, String> {
    let nodes = array(value, pointer)?.iter().enumerate();
    nodes
        .map(|(index, value)| Node::read(value, &format!("{pointer}/{index}"), definitions))
        .collect()
}

fn schemas(
    value: &Value<'_>,
    pointer: &str,
    definitions: &mut Definitions,
) -> Result<Vec<(String, Node)>, String> {
    let Kind::Object(members) = &value.kind else {
        return Err(unexpected(pointer, "an object", value));
    };
    let read = |member: &Member<'_>| {
        let place = format!("{pointer}/{}", member.name);
        let node = Node::read(&member.value, &place, definitions)?;
        Ok((member.name.to_string(), node))
    };
    members.iter().map(read).collect()
}

fn array<'v, 'a>(value: &'v Value<'a>, pointer: &str) -> Result<&'v [Value<'a>], String> {
    match &value.kind {
        Kind::Array(values) => Ok(values),
        _ => Err(unexpected(pointer, "an array", value)),
    }
}

fn string<'v>(value: &'v Value<'_>, pointer: &str) -> Result<&'v str, String> {
    match &value.kind {
        Kind::String(string) => Ok(string),
        _ => Err(unexpected(pointer, "a string", value)),
    }
}

fn unexpected(pointer: &str, expected: &str, value: &Value<'_>) -> String {
    let found = match &value.kind {
        Kind::String(string) => format!("`{string}`"),
        _ => value.kind_name().to_owned(),
    };
    format!("expected {expected} at `{pointer}`, found {found}")
}
