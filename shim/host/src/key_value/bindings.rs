//! Bindings of the interfaces in `wit/`, generated, and nothing else.

wasmtime::component::bindgen!({
    path: "wit",
    world: "key-value",
    imports: {
        // The functions of these are not `async` in WIT, so a call blocks its whole
        // instance; as `async` host functions they at least leave the thread to others.
        "fermyon:spin/key-value@2.0.0": async | trappable,
        "wasi:keyvalue/store@0.2.0-draft2": async | trappable,
        "wasi:keyvalue/batch@0.2.0-draft2": async | trappable,
        "wasi:keyvalue/atomics@0.2.0-draft2": async | trappable,
        default: trappable,
    },
    with: {
        "spin:key-value/key-value.store": super::handles::OpenStore,
        "fermyon:spin/key-value.store": super::handles::OpenStore,
        "wasi:keyvalue/store.bucket": super::handles::OpenStore,
        "wasi:keyvalue/atomics.cas": super::handles::Cas,
    },
});
