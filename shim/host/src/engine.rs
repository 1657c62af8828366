//! Wasmtime, set up for many short-lived instances that share a few threads.

use crate::component::Source;
use crate::limits::InstanceLimits;
use std::env::consts::ARCH;
use std::path::Path;
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::{
    Cache, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result,
};

/// How often the epoch ends, and with it the turn of a guest that computes.
///
/// It bounds how long one guest holds a thread while others wait. Shorter costs wake-ups while
/// the host is idle: every 2 ms they take about 0.2 % of a core, well below the 1 % under which
/// a container counts as idle; and a request that takes 50 µs meets one in forty times.
pub(crate) const EPOCH_MS: u64 = 2;

/// Core instances, tables and stacks per component instance that the pool reserves. A component
/// made by `wasm32-wasip2` has its module and two that wire it up; stacks are kept by tasks that
/// stand in a host call, which are few.
const PARTS_PER_INSTANCE: u32 = 4;

/// Where compiled components are kept from one start to the next: Wasmtime's own cache, as `file` sets it
/// up, or else in the user's cache directory.
///
/// # Errors
/// If the file is not what Wasmtime expects, or the directory cannot be made.
pub fn cache(file: Option<&Path>) -> Result<Cache> {
    Cache::from_file(file)
}

/// An engine whose epoch ticks for as long as the engine lives.
pub(crate) fn engine(limits: &InstanceLimits, cache: Option<&Cache>) -> Result<Engine> {
    let instances = u32::try_from(limits.instances_max).unwrap_or(u32::MAX / PARTS_PER_INSTANCE);
    let engine = pooled(instances, cache).or_else(|error| {
        // A pool reserves address space for every instance it may ever hold. Where that is
        // limited (`ulimit -v`), instances are allocated one by one instead, a little slower.
        tracing::warn!(
            error = format!("{error:#}"),
            instances,
            "instances are not pooled; raise the limit on address space or lower `instances_max`"
        );
        Engine::new(&config(cache))
    })?;
    tick(&engine)?;
    Ok(engine)
}

/// The component that `source` holds.
pub(crate) fn load(engine: &Engine, source: &Source) -> Result<Component> {
    match source {
        Source::File(path) => Component::from_file(engine, path),
        Source::Bundled(compiled) => {
            #[expect(
                unsafe_code,
                reason = "compiled code is run as it is, so it must come from a compiler: this is part of the executable itself, which is run already; and Wasmtime checks that it was made by its own version, for features that this processor has"
            )]
            unsafe {
                Component::deserialize(engine, compiled)
            }
        }
    }
}

/// Compiles a component ahead of time, for any processor of this machine's architecture: what a
/// machine at hand can do beyond that, another may lack.
pub fn precompile(component: &[u8]) -> Result<Vec<u8>> {
    let mut config = config(None);
    // A named target has no features but those that all of its processors have.
    config.target(&format!("{ARCH}-unknown-linux-gnu"))?;
    Engine::new(&config)?.precompile_component(component)
}

fn config(cache: Option<&Cache>) -> Config {
    let mut config = Config::new();
    config
        .cache(cache.cloned())
        .wasm_component_model_async(true)
        .epoch_interruption(true);
    config
}

fn pooled(instances: u32, cache: Option<&Cache>) -> Result<Engine> {
    let parts = instances.saturating_mul(PARTS_PER_INSTANCE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(parts)
        .total_memories(instances)
        .total_tables(parts)
        .total_stacks(parts)
        // Slots that are kept warm beyond those in use: a burst's worth, not a thousand.
        .max_unused_warm_slots(16);
    let mut config = config(cache);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

fn tick(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(Duration::from_millis(EPOCH_MS));
            }
        })?;
    Ok(())
}
