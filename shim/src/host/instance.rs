//! One instance of a component: the state that its host functions work on, and how it is made.

use super::bindings;
use super::engine::EPOCH_MS;
use super::guest_log::GuestLog;
use super::key_value::{Granted, HasKeyValue, KeyValue};
use super::meter::Meter;
use super::outbound::Outbound;
use super::variables::{HasVariables, Variables};
use crate::clock;
use crate::config::Limits;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Result, Store, UpdateDeadline, format_err};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// What all instances of a component share.
pub(super) struct Component {
    /// Its id in the manifest.
    pub(super) id: Arc<str>,
    /// The stores that it may open.
    pub(super) stores: Granted,
    /// Its variables.
    pub(super) variables: HashMap<String, String>,
    /// Its environment.
    pub(super) environment: Vec<(String, String)>,
    /// Its way out.
    pub(super) outbound: Outbound,
    /// Epochs that it may compute without waiting.
    pub(super) busy_epochs_max: u64,
    /// Bytes that one instance's memory may have.
    pub(super) memory_bytes_max: usize,
    /// Bytes that the memories of all its instances have.
    pub(super) memory_bytes: AtomicUsize,
}

/// The state of one instance.
pub(super) struct State {
    component: Arc<Component>,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    meter: Arc<Meter>,
    memory: Memory,
}

impl State {
    /// A store for a new instance: no files, no sockets, no arguments, and of the environment
    /// what the manifest gives.
    pub(super) fn store(
        engine: &Engine,
        component: Arc<Component>,
        meter: Arc<Meter>,
    ) -> Store<Self> {
        let mut wasi = WasiCtx::builder();
        clock::give_to(&mut wasi);
        let wasi = wasi
            .stdout(GuestLog::new(component.id.clone(), "stdout"))
            .stderr(GuestLog::new(component.id.clone(), "stderr"))
            .envs(&component.environment)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let state = Self {
            table: ResourceTable::new(),
            wasi,
            http: WasiHttpCtx::new(),
            outbound: component.outbound.clone(),
            meter,
            memory: Memory {
                component: component.clone(),
                bytes: 0,
                refused: false,
            },
            component,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let state = store.data();
            if state.meter.epoch_ends() <= state.component.busy_epochs_max {
                return Ok(UpdateDeadline::Yield(1));
            }
            Err(format_err!(
                "the guest computed for more than `guest_busy_seconds_max` ({} s) without waiting for anything",
                state.component.busy_epochs_max * EPOCH_MS / 1000
            ))
        });
        store
    }

    /// Whether the instance asked for more memory than it may have: the likely cause of its trap.
    pub(super) fn memory_refused(&self) -> bool {
        self.memory.refused
    }
}

/// Epochs in the time that a guest may compute.
pub(super) fn busy_epochs_max(limits: &Limits) -> u64 {
    limits.guest_busy_seconds_max * 1000 / EPOCH_MS
}

/// Everything that a component can import.
pub(super) fn linker(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    // Rust's standard library for `wasm32-wasip2` imports WASI 0.2, whatever else a component uses.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    let key_value = State::key_value;
    bindings::spin::key_value::key_value::add_to_linker::<_, HasKeyValue>(&mut linker, key_value)?;
    bindings::fermyon::spin::key_value::add_to_linker::<_, HasKeyValue>(&mut linker, key_value)?;
    bindings::wasi::keyvalue::store::add_to_linker::<_, HasKeyValue>(&mut linker, key_value)?;
    bindings::wasi::keyvalue::batch::add_to_linker::<_, HasKeyValue>(&mut linker, key_value)?;
    bindings::wasi::keyvalue::atomics::add_to_linker::<_, HasKeyValue>(&mut linker, key_value)?;
    let variables = State::variables;
    bindings::spin::variables::variables::add_to_linker::<_, HasVariables>(&mut linker, variables)?;
    bindings::fermyon::spin::variables::add_to_linker::<_, HasVariables>(&mut linker, variables)?;
    Ok(linker)
}

impl State {
    fn key_value(&mut self) -> KeyValue<'_> {
        KeyValue {
            granted: &self.component.stores,
            table: &mut self.table,
            meter: &self.meter,
        }
    }

    fn variables(&mut self) -> Variables<'_> {
        Variables(&self.component.variables)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

/// The memory of an instance: bounded, and counted for as long as it is there.
struct Memory {
    component: Arc<Component>,
    bytes: usize,
    refused: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, bytes: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let granted = desired <= self.component.memory_bytes_max;
        if granted {
            let more = desired - bytes;
            self.bytes += more;
            self.component.memory_bytes.fetch_add(more, Relaxed);
        }
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.component.memory_bytes.fetch_sub(self.bytes, Relaxed);
    }
}
