//! `spin:variables@3.0.0` and its forerunner, `variables` of `fermyon:spin@2.0.0`: a component's
//! own variables, filled in at start.

use self::bindings::fermyon::spin::variables as forerunner;
use self::bindings::spin::variables::variables::{self, Error, Host, HostWithStore};
use std::collections::HashMap;
use wasmtime::component::{Accessor, HasData, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "variables",
        imports: { default: trappable },
    });
}

/// A component's view of its variables.
pub(crate) struct VariablesView<'a>(pub(crate) &'a HashMap<String, String>);

/// Lets components import variables; `view` finds theirs in the state of an instance.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> VariablesView<'_>,
) -> wasmtime::Result<()> {
    variables::add_to_linker::<_, HasVariables>(linker, view)?;
    forerunner::add_to_linker::<_, HasVariables>(linker, view)
}

/// Projects the state of an instance to its [`VariablesView`].
struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = VariablesView<'a>;
}

impl VariablesView<'_> {
    /// The value of a variable, or a sentence that there is none.
    fn value(&self, name: &str) -> Result<String, String> {
        let value = self.0.get(name).cloned();
        value.ok_or_else(|| format!("the component has no variable `{name}`"))
    }
}

impl Host for VariablesView<'_> {}

impl<T: Send> HostWithStore<T> for HasVariables {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        accessor.with(|mut access| Ok(access.get().value(&name).map_err(Error::Undefined)))
    }
}

impl forerunner::Host for VariablesView<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, forerunner::Error>> {
        Ok(self.value(&name).map_err(forerunner::Error::Undefined))
    }
}
