//! An app, for tests.

use work::{Context, Sent, Variables, Work, WorkError};

/// Orders of anything.
pub struct Sample;

impl Work for Sample {
    const COLLECTION: &'static str = "orders";
    const NAME: &'static str = "order";
    const EXAMPLE: &'static str = "{}";

    type Input = serde_json::Value;
    type Output = ();

    async fn from_variables(_: &mut Variables) -> Self {
        Self
    }

    async fn run(&self, _: &Sent<Self::Input>, _: &Context) -> Result<(), WorkError> {
        Ok(())
    }
}
