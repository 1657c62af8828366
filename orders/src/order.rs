//! What clients send.

use serde::{Deserialize, Serialize};
use work::JsonSchema;
use work::schemars;

/// What a client orders. Members that are not named here are kept, and not looked at.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// Who orders.
    #[schemars(length(min = 1, max = 200))]
    pub customer: String,
    /// What is ordered.
    #[schemars(length(min = 1, max = 1000))]
    pub items: Vec<Item>,
}

/// So many of one thing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// What it is called.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// How many.
    #[serde(deserialize_with = "work::integer")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub quantity: u32,
}

#[cfg(test)]
mod tests {
    use work::{InvalidOrder, Rules, Work as _};

    use crate::App;

    fn pointers(json: &str) -> Vec<String> {
        match Rules::of::<App>().read::<App>(json.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(InvalidOrder::Invalid(faults)) => {
                faults.into_iter().map(|fault| fault.pointer).collect()
            }
            Err(malformed) => panic!("`{json}`: {malformed:?}"),
        }
    }

    fn order_with_quantity(quantity: &str) -> String {
        format!(r#"{{"customer":"Ada","items":[{{"name":"tea","quantity":{quantity}}}]}}"#)
    }

    #[test]
    fn the_example_is_an_order() {
        assert!(pointers(App::EXAMPLE).is_empty());
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
            let valid = serde_json::to_string(App::EXAMPLE).expect("JSON");
            let forged = format!(r#"{{"$serde_json::private::{name}":{valid}}}"#);
            assert_eq!(pointers(&forged), ["/customer", "/items"]);
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
        assert!(pointers(&name(200)).is_empty());
        assert_eq!(pointers(&name(201)), ["/customer"]);
    }
}
