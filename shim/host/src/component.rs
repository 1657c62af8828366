//! A component and what it is granted: what there is to know of it before it is compiled.

use crate::outbound::AllowedHosts;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A component and what it is granted.
#[derive(Debug)]
pub struct Component {
    /// What holds it.
    pub source: Source,
    /// The labels that it may open.
    pub stores: Vec<String>,
    /// Where it may send requests.
    pub outbound: AllowedHosts,
    /// Its variables, filled in.
    pub variables: HashMap<String, String>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
}

/// What holds a component.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file, to be compiled.
    File(PathBuf),
    /// This executable, which holds it compiled.
    Bundled(Arc<[u8]>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Bundled(_) => f.write_str("inside this executable"),
        }
    }
}
