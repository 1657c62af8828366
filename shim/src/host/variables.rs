//! `spin:variables@3.0.0` and its forerunner, `variables` of `fermyon:spin@2.0.0`: a component's
//! own variables, filled in at start.

use super::bindings::fermyon::spin::variables as forerunner;
use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use super::instance::State;
use std::collections::HashMap;
use wasmtime::component::{Accessor, HasData};

/// A component's view of its variables.
pub(super) struct Variables<'a>(pub(super) &'a HashMap<String, String>);

/// Projects the state of an instance to its [`Variables`].
pub(super) struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = Variables<'a>;
}

impl Variables<'_> {
    /// The value of a variable, or a sentence that there is none.
    fn value(&self, name: &str) -> Result<String, String> {
        let value = self.0.get(name).cloned();
        value.ok_or_else(|| format!("the component has no variable `{name}`"))
    }
}

impl Host for Variables<'_> {}

impl HostWithStore<State> for HasVariables {
    async fn get(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        accessor.with(|mut access| Ok(access.get().value(&name).map_err(Error::Undefined)))
    }
}

impl forerunner::Host for Variables<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, forerunner::Error>> {
        Ok(self.value(&name).map_err(forerunner::Error::Undefined))
    }
}
