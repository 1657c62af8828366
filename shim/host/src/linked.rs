//! From components to pools of their instances: compiling, linking, and what each is granted.

use crate::component::{Component, Source};
use crate::engine;
use crate::error::LinkError;
use crate::limits::InstanceLimits;
use crate::outbound::{Chain, Outbound};
use crate::pool::{Policy, Pool};
use crate::state::{self, ComponentState, InstanceState};
use kv::Stores;
use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::runtime::Handle;
use wasmtime::component::Linker;
use wasmtime::{Cache, Engine};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

/// How many requests an instance can serve in its life, by the WASI that its component is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// WASI 0.2: one, with all that goes on after its response.
    Never,
    /// WASI 0.3: many, and several at once.
    Concurrent,
}

impl Reuse {
    fn of(pre: &ProxyPre<InstanceState>) -> Self {
        match pre {
            ProxyPre::P2(_) => Self::Never,
            ProxyPre::P3(_) => Self::Concurrent,
        }
    }

    /// As many as `wanted`, as far as it can.
    pub fn at_most(self, wanted: usize) -> usize {
        match self {
            Self::Never => 1,
            Self::Concurrent => wanted,
        }
    }
}

/// What components are linked with.
pub struct Setup<'a> {
    /// The components to compile, by id.
    pub components: BTreeMap<&'a str, &'a Component>,
    /// The stores that they may be granted.
    pub stores: &'a Stores,
    /// The way from one to another.
    pub chain: &'a Chain,
    /// What their instances may take.
    pub limits: &'a InstanceLimits,
    /// Where those that were compiled before are found.
    pub cache: Option<&'a Cache>,
    /// The time of day that they are told, since 1970; none: the machine's.
    pub clock: Option<fn() -> Duration>,
}

/// The components of an app, compiled and linked: every fault that they can have is known.
pub struct Linked {
    engine: Engine,
    components: Vec<(Arc<ComponentState>, ProxyPre<InstanceState>)>,
}

impl Linked {
    /// Compiles and links components, all at once.
    ///
    /// # Errors
    /// What is wrong with each of them.
    pub fn new(setup: &Setup<'_>) -> Result<Self, Vec<LinkError>> {
        let no_engine = |error| vec![LinkError::Engine(error)];
        let engine = engine::engine(setup.limits, setup.cache).map_err(no_engine)?;
        let linker = state::linker(&engine).map_err(no_engine)?;
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = setup
                .components
                .iter()
                .map(|(id, component)| scope.spawn(|| link(&engine, &linker, id, component)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        let mut components = Vec::new();
        let mut errors = Vec::new();
        for ((id, component), result) in setup.components.iter().zip(results) {
            match result {
                Ok(pre) => components.push((share(id, component, setup), pre)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self { engine, components })
        } else {
            Err(errors)
        }
    }

    /// How many requests an instance of the component `id` can serve, if there is one.
    pub fn reuse(&self, id: &str) -> Option<Reuse> {
        let mut components = self.components.iter();
        let (_, pre) = components.find(|(component, _)| &*component.id == id)?;
        Some(Reuse::of(pre))
    }

    /// Gives each component a pool of instances, on the runtime and by the policy that
    /// `arrange` chooses for it; which is told how many requests an instance of it can serve.
    pub fn pools(self, arrange: impl Fn(&str, Reuse) -> (Policy, Handle)) -> HashMap<String, Pool> {
        let engine = self.engine;
        self.components
            .into_iter()
            .map(|(component, pre)| {
                let id = component.id.to_string();
                let (policy, runtime) = arrange(&id, Reuse::of(&pre));
                (
                    id,
                    Pool::new(engine.clone(), component, pre, policy, runtime),
                )
            })
            .collect()
    }
}

fn link(
    engine: &Engine,
    linker: &Linker<InstanceState>,
    id: &str,
    component: &Component,
) -> Result<ProxyPre<InstanceState>, LinkError> {
    let (id, source) = (id.to_owned(), &component.source);
    let binary = match engine::load(engine, source) {
        Ok(binary) => binary,
        Err(error) => {
            let place = source.clone();
            return Err(match source {
                Source::File(_) => LinkError::NotCompiled { id, place, error },
                Source::Bundled(_) => LinkError::NotFit { id, place, error },
            });
        }
    };
    let pre = match linker.instantiate_pre(&binary) {
        Ok(pre) => pre,
        Err(error) => {
            let place = source.clone();
            return Err(LinkError::Import { id, place, error });
        }
    };
    // What it exports says which WASI it is of; one that is of both is served by the newer.
    if let Ok(pre) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(pre));
    }
    let pre = p2::bindings::ProxyPre::new(pre).map(ProxyPre::P2);
    pre.map_err(|_| LinkError::Export {
        id,
        place: source.clone(),
    })
}

fn share(id: &str, component: &Component, setup: &Setup<'_>) -> Arc<ComponentState> {
    let id: Arc<str> = id.into();
    let limits = setup.limits;
    let granted = component
        .stores
        .iter()
        .filter_map(|label| Some((label.clone(), setup.stores.store(label)?)))
        .collect();
    Arc::new(ComponentState {
        stores: granted,
        variables: component.variables.clone(),
        environment: component.environment.clone(),
        clock: setup.clock,
        outbound: Outbound::new(
            id.clone(),
            component.outbound.clone(),
            setup.chain.clone(),
            limits,
        ),
        busy_epochs_max: state::busy_epochs_max(limits),
        memory_bytes_max: limits.instance_memory_bytes_max,
        memory_bytes: AtomicUsize::new(0),
        id,
    })
}
