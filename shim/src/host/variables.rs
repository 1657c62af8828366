//! `spin:variables@3.0.0`: a component's own variables, filled in at start.

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

impl Host for Variables<'_> {}

impl HostWithStore<State> for HasVariables {
    async fn get(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        accessor.with(|mut access| {
            Ok(access
                .get()
                .0
                .get(&name)
                .cloned()
                .ok_or_else(|| Error::Undefined(format!("the component has no variable `{name}`"))))
        })
    }
}
