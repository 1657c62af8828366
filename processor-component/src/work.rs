//! What processing an order means here. **Replace this file with your own work.**
//!
//! Keep the name [`ConfiguredWork`], its `from_variables`, and its [`Work`] implementation;
//! all else may go. Grant in `spin.toml` whatever the work reaches: hosts, stores, variables.

use guest::Variables;
use orders::Order;

use crate::contract::{Context, Outcome, Work, WorkError};
use crate::simulate::Simulate;
use crate::worker::Worker;

/// The work that the variable `work` chooses.
pub enum ConfiguredWork {
    /// `simulate`: wait a while. For tests and demonstrations.
    Simulate(Simulate),
    /// `http`: hand the order to another server.
    Http(Worker),
}

impl ConfiguredWork {
    /// Reads the variables that say what the work is, and notes in `variables` what is wrong with them.
    pub async fn from_variables(variables: &mut Variables) -> Self {
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
}

impl Work for ConfiguredWork {
    async fn run(&self, order: &Order, context: &Context) -> Result<Outcome, WorkError> {
        match self {
            Self::Simulate(simulate) => simulate.run(order, context).await,
            Self::Http(worker) => worker.run(order, context).await,
        }
    }
}
