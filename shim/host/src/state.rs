//! The state of instances: what all of a component share, what each has for itself, and what its
//! host functions make of both.

use crate::engine::EPOCH_MS;
use crate::guest_log::GuestLog;
use crate::key_value::{self, Granted, KeyValueView};
use crate::limits::InstanceLimits;
use crate::meter::Meter;
use crate::outbound::Outbound;
use crate::variables::{self, VariablesView};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Result, UpdateDeadline, format_err};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The variable of the environment that tells a component how far it can believe what its stores say of
/// a swap: as [`kv::Store`] has them, one that is reported done was done.
const SWAPS: &str = "KEY_VALUE_SWAPS";

/// What all instances of a component share.
pub(crate) struct ComponentState {
    /// Its id in the manifest.
    pub(crate) id: Arc<str>,
    /// The stores that it may open.
    pub(crate) stores: Granted,
    /// Its variables.
    pub(crate) variables: HashMap<String, String>,
    /// Its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// The time of day that it is told, since 1970; none: the machine's.
    pub(crate) clock: Option<fn() -> Duration>,
    /// Its way out.
    pub(crate) outbound: Outbound,
    /// Epochs that it may compute without waiting.
    pub(crate) busy_epochs_max: u64,
    /// Bytes that one instance's memory may have.
    pub(crate) memory_bytes_max: usize,
    /// Bytes that the memories of all its instances have.
    pub(crate) memory_bytes: AtomicUsize,
}

/// The state of one instance.
pub(crate) struct InstanceState {
    component: Arc<ComponentState>,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    meter: Arc<Meter>,
    memory: MemoryLimiter,
}

impl InstanceState {
    /// A store for a new instance: no files, no sockets, no arguments, and of the environment
    /// what the manifest gives, and [`SWAPS`].
    pub(crate) fn store(
        engine: &Engine,
        component: Arc<ComponentState>,
        meter: Arc<Meter>,
    ) -> wasmtime::Store<Self> {
        let mut wasi = WasiCtx::builder();
        if let Some(clock) = component.clock {
            wasi.wall_clock(Clock(clock));
        }
        let wasi = wasi
            .stdout(GuestLog::new(component.id.clone(), "stdout"))
            .stderr(GuestLog::new(component.id.clone(), "stderr"))
            .envs(&component.environment)
            .env(SWAPS, "exact")
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let state = Self {
            table: ResourceTable::new(),
            wasi,
            http: WasiHttpCtx::new(),
            outbound: component.outbound.clone(),
            meter,
            memory: MemoryLimiter {
                component: component.clone(),
                bytes: 0,
                refused: false,
            },
            component,
        };
        let mut store = wasmtime::Store::new(engine, state);
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
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory.refused
    }
}

/// Epochs in the time that a guest may compute.
pub(crate) fn busy_epochs_max(limits: &InstanceLimits) -> u64 {
    limits.guest_busy_seconds_max * 1000 / EPOCH_MS
}

/// Everything that a component can import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    // Rust's standard library for `wasm32-wasip2` imports WASI 0.2, whatever else a component uses.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    key_value::add_to_linker(&mut linker, InstanceState::key_value)?;
    variables::add_to_linker(&mut linker, InstanceState::variables)?;
    Ok(linker)
}

impl InstanceState {
    fn key_value(&mut self) -> KeyValueView<'_> {
        KeyValueView {
            granted: &self.component.stores,
            table: &mut self.table,
            meter: &self.meter,
        }
    }

    fn variables(&mut self) -> VariablesView<'_> {
        VariablesView(&self.component.variables)
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

struct Clock(fn() -> Duration);

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0()
    }
}

/// The memory of an instance: bounded, and counted for as long as it is there.
struct MemoryLimiter {
    component: Arc<ComponentState>,
    bytes: usize,
    refused: bool,
}

impl ResourceLimiter for MemoryLimiter {
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

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        self.component.memory_bytes.fetch_sub(self.bytes, Relaxed);
    }
}
