//! Which WASI components are built for: 0.3, or 0.2 for hosts that know nothing newer.

use std::env;

use anyhow::{Result, bail};
use clap::ValueEnum;

/// A version of WASI that the components can be built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wasi {
    /// An instance serves one request.
    #[value(name = "0.2")]
    V02,
    /// An instance serves many requests at once.
    #[default]
    #[value(name = "0.3")]
    V03,
}

impl Wasi {
    /// The one that `ORDERS_WASI` names for tests; 0.3 if it names none.
    pub(crate) fn from_environment() -> Result<Self> {
        match env::var("ORDERS_WASI").as_deref() {
            Err(_) | Ok("" | "0.3") => Ok(Self::V03),
            Ok("0.2") => Ok(Self::V02),
            Ok(other) => bail!("expected `ORDERS_WASI` to be `0.2` or `0.3`, found `{other}`"),
        }
    }

    /// The manifest that says how its components are built and where they are then, relative to
    /// the root.
    pub(crate) const fn manifest(self) -> &'static str {
        match self {
            Self::V02 => "spin.wasi02.toml",
            Self::V03 => "spin.toml",
        }
    }
}
