//! Azure, as far as a host needs it: the [`identity()`] that the environment offers, and executions
//! of a Container Apps job ([`JobClient`]).
//!
//! What an execution is for is not known here, nor who else asks for the identity.

mod error;
mod identity;
mod job;
mod settings;
mod template;

pub use error::{SetupError, StartError};
pub use identity::identity;
pub use job::JobClient;
pub use settings::{ArmEndpoint, JobSettings};
