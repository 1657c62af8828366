//! Bindings of the interfaces in `wit/`, generated, and nothing else.
//!
//! The SDK of that time, spin-sdk 5, has the same ones. It is not used, because it cannot be had
//! without its router, and that not without a licence that `deny.toml` does not allow.
#![expect(clippy::same_length_and_capacity, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "imports",
    generate_all,
});
