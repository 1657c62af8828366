//! What the configuration says about one job: [`JobSettings`].

use reqwest::Url;
use std::fmt;

/// A job of Azure Container Apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSettings {
    /// The subscription's id.
    pub subscription: String,
    /// The resource group's name.
    pub resource_group: String,
    /// The job's name.
    pub name: String,
    /// The client id of the user-assigned identity that starts executions; none: the one that the
    /// environment names, or the system's.
    pub client_id: Option<String>,
    /// Where Azure Resource Manager is.
    pub arm_endpoint: ArmEndpoint,
}

/// Where Azure Resource Manager is: Azure's own, unless another cloud is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmEndpoint(Url);

impl ArmEndpoint {
    /// The address in `text`, if it is one that a token may be sent to: never in the clear, unless it
    /// stays on this machine.
    pub fn parse(text: &str) -> Option<Self> {
        let on_this_machine = |url: &Url| {
            url.host_str()
                .is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"))
        };
        let url = Url::parse(text).ok()?;
        (url.scheme() == "https" || on_this_machine(&url)).then_some(Self(url))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl Default for ArmEndpoint {
    fn default() -> Self {
        // OK because it is a constant.
        Self(Url::parse("https://management.azure.com").expect("the default is a URL"))
    }
}

impl fmt::Display for ArmEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
