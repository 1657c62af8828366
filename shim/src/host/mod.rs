//! Components at run time: the engine, what it offers them, and the instances that run them.
//!
//! Nothing here knows of connections, of orders, or of where stores keep their data.

mod bindings;
mod early;
mod engine;
mod fermyon_key_value;
mod guest_log;
mod instance;
mod job;
mod key_value;
mod meter;
mod outbound;
mod pool;
mod streamed;
mod variables;
mod wasi_key_value;
mod worker;

use crate::config::{self, App, Fault, Limits, Source};
use crate::kv::Stores;
use instance::{Component, State};
use outbound::Outbound;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::runtime::Handle;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

pub(crate) use engine::precompile;
pub(crate) use outbound::{Chain, Chaining};
pub(crate) use pool::{Failure, Policy, Pool};

/// How many requests an instance can serve in its life, by the WASI that its component is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bears {
    /// WASI 0.2: one, with all that goes on after its response.
    One,
    /// WASI 0.3: many, and several at once.
    Many,
}

impl Bears {
    fn of(pre: &ProxyPre<State>) -> Self {
        match pre {
            ProxyPre::P2(_) => Self::One,
            ProxyPre::P3(_) => Self::Many,
        }
    }

    /// As many as `wanted`, as far as it can.
    pub(crate) fn at_most(self, wanted: usize) -> usize {
        match self {
            Self::One => 1,
            Self::Many => wanted,
        }
    }
}

/// The components of an app, compiled and linked: every fault that they can have is known.
pub(crate) struct Linked {
    engine: Engine,
    components: Vec<(Arc<Component>, ProxyPre<State>)>,
}

impl Linked {
    /// Compiles and links the components that `wanted` names, all at once.
    pub(crate) fn new(
        app: &App,
        stores: &Stores,
        chain: &Chain,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, Vec<Fault>> {
        let fault = |error: wasmtime::Error| {
            vec![Fault::new(format!(
                "cannot set up Wasmtime: {error:#}; report it as a bug"
            ))]
        };
        let engine = engine::engine(&app.limits).map_err(fault)?;
        let linker = instance::linker(&engine).map_err(fault)?;
        let wanted: Vec<_> = app.components.iter().filter(|(id, _)| wanted(id)).collect();
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = wanted
                .iter()
                .map(|(id, component)| scope.spawn(|| link(&engine, &linker, id, component)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("linking does not panic"))
                .collect()
        });
        let mut components = Vec::new();
        let mut faults = Vec::new();
        for ((id, component), result) in wanted.into_iter().zip(results) {
            match result {
                Ok(pre) => {
                    components.push((share(id, component, stores, chain, &app.limits), pre));
                }
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(Self { engine, components })
        } else {
            Err(faults)
        }
    }

    /// How many requests an instance of the component `id` can serve, if there is one.
    pub(crate) fn bears(&self, id: &str) -> Option<Bears> {
        let mut components = self.components.iter();
        let (_, pre) = components.find(|(component, _)| &*component.id == id)?;
        Some(Bears::of(pre))
    }

    /// Gives each component a pool of instances, on the runtime and by the policy that
    /// `arrange` chooses for it; which is told how many requests an instance of it can serve.
    pub(crate) fn pools(
        self,
        arrange: impl Fn(&str, Bears) -> (Policy, Handle),
    ) -> HashMap<String, Pool> {
        let engine = self.engine;
        self.components
            .into_iter()
            .map(|(component, pre)| {
                let id = component.id.to_string();
                let (policy, runtime) = arrange(&id, Bears::of(&pre));
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
    linker: &Linker<State>,
    id: &str,
    component: &config::Component,
) -> Result<ProxyPre<State>, Fault> {
    let source = &component.source;
    let binary = engine::load(engine, source).map_err(|error| match source {
        Source::File(_) => Fault::new(format!(
            "component `{id}` at {source} cannot be compiled: {error:#}; run `cargo xtask build`"
        )),
        Source::Bundled(_) => Fault::new(format!(
            "component `{id}` {source} does not fit this version of it or this processor: {error:#}; make the executable anew with `cargo xtask dist`"
        )),
    })?;
    let pre = linker.instantiate_pre(&binary).map_err(|error| {
        Fault::new(format!(
            "component `{id}` at {source} imports what this host does not offer: {error:#}; build it without, or run the app with Spin"
        ))
    })?;
    // What it exports says which WASI it is of; one that is of both is served by the newer.
    if let Ok(pre) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(pre));
    }
    p2::bindings::ProxyPre::new(pre).map(ProxyPre::P2).map_err(|_| {
        Fault::new(format!(
            "component `{id}` at {source} does not serve HTTP: it exports neither `wasi:http/handler@0.3` nor `wasi:http/incoming-handler@0.2`; build it with spin-sdk for wasm32-wasip2"
        ))
    })
}

fn share(
    id: &str,
    component: &config::Component,
    stores: &Stores,
    chain: &Chain,
    limits: &Limits,
) -> Arc<Component> {
    let id: Arc<str> = id.into();
    let granted = component
        .stores
        .iter()
        .filter_map(|label| Some((label.clone(), stores.store(label)?)))
        .collect();
    Arc::new(Component {
        stores: Arc::new(granted),
        variables: component.variables.clone(),
        environment: component.environment.clone(),
        outbound: Outbound::new(
            id.clone(),
            component.outbound.clone(),
            chain.clone(),
            limits,
        ),
        busy_epochs_max: instance::busy_epochs_max(limits),
        memory_bytes_max: limits.instance_memory_bytes_max,
        memory_bytes: AtomicUsize::new(0),
        id,
    })
}
