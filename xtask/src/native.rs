//! For which target native code is built: this machine's own, or one whose executables need no other file.
//!
//! Everybody's `up` and `test` take the machine's own, which needs nothing but a C compiler. `check` builds
//! all of it for musl, so that what is tested is what is shipped, and Wasmtime is compiled once for both.

use std::env::consts::ARCH;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Set once, before anything is built, where all is to be static.
static STATIC: OnceLock<String> = OnceLock::new();

/// The target whose executables need no other file.
pub(crate) fn static_target() -> String {
    format!("{ARCH}-unknown-linux-musl")
}

/// From now on, all native code is static.
pub(crate) fn build_static() {
    // OK to ignore: it can only have been set to the same.
    let _ = STATIC.set(static_target());
}

/// Tells a command for which target it builds, if that is not the machine's own.
pub(crate) fn tell(command: &mut Command) {
    if let Some(target) = STATIC.get() {
        command.env("CARGO_BUILD_TARGET", target);
        tell_c_compiler(command, target);
    }
}

/// SQLite, the allocator and the cryptography are C, to be compiled for the same C library.
pub(crate) fn tell_c_compiler(command: &mut Command, target: &str) {
    command.env(format!("CC_{}", target.replace('-', "_")), "musl-gcc");
}

/// The shim's executable, relative to the root.
pub(crate) fn shim() -> PathBuf {
    let target = STATIC.get().map_or("", String::as_str);
    PathBuf::from_iter(["target", target, "release", "wasm-shim"])
}
