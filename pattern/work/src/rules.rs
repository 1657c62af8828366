//! What is accepted: JSON that a schema allows, and that the app finds nothing wrong with.

use protocol::{MalformedOrder, Order};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use crate::schema::Schema;
use crate::{Fault, Faults, Work};

/// What orders are held to.
#[derive(Debug)]
pub struct Rules {
    schema: Schema,
    /// Whether they are those of the app, so that its type can hold what they allow.
    own: bool,
}

/// Why a body is not an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidOrder {
    /// It is not a JSON text that everybody reads alike; a sentence says why.
    Malformed(String),
    /// It is JSON, but not an order; every fault is listed.
    Invalid(Vec<Fault>),
}

impl From<MalformedOrder> for InvalidOrder {
    fn from(error: MalformedOrder) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Rules {
    /// Those of the app `W`.
    ///
    /// # Panics
    /// If the type has a rule that is not known here, such as a pattern: the app's first test shows it.
    pub fn of<W: Work>() -> Self {
        let schema = Schema::parse(&schema_of::<W::Input>());
        Self {
            schema: schema.expect("the schema of the app's own type is known"),
            own: true,
        }
    }

    /// Those that a JSON Schema (draft 2020-12) says, in place of the app's.
    ///
    /// # Errors
    /// With a sentence, if `schema` is none, or has a keyword that is not known here.
    pub fn parse(schema: &str) -> Result<Self, String> {
        Ok(Self {
            schema: Schema::parse(schema)?,
            own: false,
        })
    }

    /// Reads an order for the app `W`.
    ///
    /// # Errors
    /// [`InvalidOrder`].
    pub fn read<W: Work>(&self, body: &[u8]) -> Result<Order, InvalidOrder> {
        let order = Order::parse_checked(body, |value| {
            let mut faults = Faults::default();
            self.schema.check(value, &mut faults);
            all_well(faults)
        })?;
        if self.own {
            let mut faults = Faults::default();
            match serde_json::from_str::<W::Input>(order.as_json()) {
                Ok(input) => W::check(&input, &mut faults),
                Err(error) => faults.push("", format!("expected another value: {error}")),
            }
            all_well(faults)?;
        }
        Ok(order)
    }
}

fn all_well(faults: Faults) -> Result<(), InvalidOrder> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(InvalidOrder::Invalid(faults.into_vec()))
    }
}

/// The JSON Schema of `T`, as JSON.
pub fn schema_of<T: JsonSchema>() -> String {
    // What is only named once is easier to read, and for the page to show, where it is used.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        // In a document that says so itself.
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    schema.as_value().to_string()
}
