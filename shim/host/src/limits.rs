//! What instances may take: [`InstanceLimits`].

/// The limits of instances. Errors name them to whoever can change them, so they are called here as
/// in the configuration.
#[derive(Clone, Debug)]
pub struct InstanceLimits {
    /// Instances of all components together.
    pub instances_max: usize,
    /// How long a component may compute without once waiting for anything; then it is trapped.
    pub guest_busy_seconds_max: u64,
    /// The memory of one instance.
    pub instance_memory_bytes_max: usize,
    /// How long to wait for an outbound connection.
    pub outbound_connect_seconds_max: u64,
    /// How long to wait for an outbound response, and between two pieces of it, where the component
    /// does not say for how long.
    pub outbound_response_seconds: u64,
}
