//! An order: the same rules as the app's, and how long its work takes. It is kept as it was sent.

use anyhow::{Result, ensure};
use serde::Deserialize;

/// What of an order is looked at.
#[derive(Deserialize)]
pub struct Order {
    customer: String,
    items: Vec<Item>,
    simulate: Option<Simulate>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct Simulate {
    ms: u64,
}

impl Order {
    /// Reads an order and holds it to its rules.
    pub fn read(json: &[u8]) -> Result<Self> {
        let order: Self = serde_json::from_slice(json)?;
        let is_name = |text: &str| (1..=200).contains(&text.chars().count());
        ensure!(is_name(&order.customer), "expected the name of a customer");
        ensure!(
            (1..=1000).contains(&order.items.len()),
            "expected 1 to 1,000 items"
        );
        let is_item = |item: &Item| is_name(&item.name) && (1..=1_000_000).contains(&item.quantity);
        ensure!(order.items.iter().all(is_item), "expected items");
        Ok(order)
    }

    /// How long the work takes.
    pub fn work_ms(&self) -> u64 {
        self.simulate.as_ref().map_or(0, |simulate| simulate.ms)
    }
}

/// The result: the order, and when its work ended.
pub fn result(order: &[u8], completed_ms: i64) -> Option<String> {
    let text = std::str::from_utf8(order).ok()?;
    let members = text.trim_end().strip_suffix('}')?;
    let at = time(completed_ms);
    Some(format!(r#"{members},"completedAt":"{at}"}}"#))
}

/// A time as it is told.
pub fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| time.to_string())
}
