//! The app: what an order is, and what working on one means. **Change this crate to make it yours.**
//!
//! Nothing else has to be changed for that but `spin.toml`, which grants what the work reaches: hosts,
//! stores, variables.

mod order;
mod simulate;
mod worker;

use serde_json::value::RawValue;
use work::{Context, Sent, Variables, Work, WorkError};

pub use order::Order;

use simulate::Simulate;
use worker::Worker;

/// Orders, and the work that the variable `work` chooses.
pub enum App {
    /// `simulate`: wait a while. For tests and demonstrations.
    Simulate(Simulate),
    /// `http`: hand the order to another server.
    Http(Worker),
}

impl Work for App {
    const COLLECTION: &'static str = "orders";
    const NAME: &'static str = "order";
    const EXAMPLE: &'static str = include_str!("../example.json");

    type Input = Order;
    type Output = Option<Box<RawValue>>;

    async fn from_variables(variables: &mut Variables) -> Self {
        match variables.text("work").await.trim() {
            "simulate" => Self::Simulate(Simulate::from_variables(variables).await),
            "http" => Self::Http(Worker::from_variables(variables).await),
            other => {
                let detail =
                    format!("the variable `work` must be `simulate` or `http`, found `{other}`");
                variables.fault("work", detail);
                Self::Simulate(Simulate::default())
            }
        }
    }

    async fn run(&self, sent: &Sent<Order>, context: &Context) -> Result<Self::Output, WorkError> {
        match self {
            Self::Simulate(simulate) => simulate.run(sent.as_json(), context).await.map(|()| None),
            Self::Http(worker) => worker.run(sent.as_json(), context).await,
        }
    }
}
