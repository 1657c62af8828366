//! Which build of the components the tests run against.

use std::env;

use anyhow::{Result, bail};

/// A version of WASI that the components are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wasi {
    /// 0.2, for hosts that know nothing newer: an instance serves one request.
    V02,
    /// 0.3: an instance serves many requests at once.
    V03,
}

impl Wasi {
    /// The one that `ORDERS_WASI` names; 0.3 if it names none.
    ///
    /// # Errors
    /// If it names something else.
    pub fn from_environment() -> Result<Self> {
        match env::var("ORDERS_WASI").as_deref() {
            Err(_) | Ok("" | "0.3") => Ok(Self::V03),
            Ok("0.2") => Ok(Self::V02),
            Ok(other) => bail!("expected `ORDERS_WASI` to be `0.2` or `0.3`, found `{other}`"),
        }
    }

    /// Its number.
    pub fn name(self) -> &'static str {
        match self {
            Self::V02 => "0.2",
            Self::V03 => "0.3",
        }
    }

    /// The manifest that names its components.
    pub(crate) fn manifest(self) -> &'static str {
        match self {
            Self::V02 => "spin.wasi02.toml",
            Self::V03 => "spin.toml",
        }
    }

    /// Its components.
    pub(crate) fn components(self) -> [&'static str; 2] {
        match self {
            Self::V02 => [
                "target/wasi02/wasm32-wasip2/release/api_component.wasm",
                "target/wasi02/wasm32-wasip2/release/processor_component.wasm",
            ],
            Self::V03 => [
                "target/wasm32-wasip2/release/api_component.wasm",
                "target/wasm32-wasip2/release/processor_component.wasm",
            ],
        }
    }

    /// What builds them.
    pub(crate) fn build(self) -> &'static str {
        match self {
            Self::V02 => "cargo xtask build --wasi 0.2",
            Self::V03 => "cargo xtask build",
        }
    }
}
