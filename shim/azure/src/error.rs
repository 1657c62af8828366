//! Why no execution can be started ([`SetupError`]), was not, or may not have been ([`StartError`]).

use crate::settings::ArmEndpoint;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use std::fmt;

/// The longest part of Azure's own words that is repeated, in characters.
const WORDS_MAX: usize = 300;

/// Why no execution can be started: one sentence that ends with the fix.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The environment contradicts itself.
    #[error(
        "cannot use this environment's identity for the job `{job}`: {error}; give the container app an identity"
    )]
    Identity {
        /// The job's name.
        job: String,
        /// The SDK's words, which are part of the sentence.
        error: azure_core::Error,
    },
    /// There is nothing to speak TLS by.
    #[error(
        "cannot set up TLS for `{endpoint}`: {error}; install the system's CA certificates, or name a file of them in SSL_CERT_FILE"
    )]
    Tls {
        /// Where Azure Resource Manager is.
        endpoint: ArmEndpoint,
        /// The client's words, which are part of the sentence.
        error: reqwest::Error,
    },
}

/// A start that failed.
#[derive(Debug)]
pub struct StartError {
    cause: Cause,
    may_have_started: bool,
}

/// What a start failed by.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error(
        "cannot get a token: {0}; see that the container app has the identity that `client_id` names"
    )]
    Identity(azure_core::Error),
    #[error("cannot reach Azure Resource Manager: {}", chain(.0))]
    Request(reqwest::Error),
    #[error("Azure answered {status} to the attempt to {action}: {words}{}", fix(*.status))]
    Refused {
        action: &'static str,
        status: StatusCode,
        words: String,
    },
    #[error("the job has no template with containers; deploy it anew")]
    NoTemplate,
    #[error("Azure allows no further start for longer than a dispatch waits")]
    Throttled,
    #[error("Azure took too long")]
    TooSlow,
    #[error("Azure gave the operation a place elsewhere, where no token is sent")]
    Elsewhere,
}

impl StartError {
    /// A failure before anything was asked to start.
    pub(super) fn before_start(cause: Cause) -> Self {
        Self {
            cause,
            may_have_started: false,
        }
    }

    /// A failure after which an execution may be on its way.
    pub(super) fn after_start(cause: Cause) -> Self {
        Self {
            cause,
            may_have_started: true,
        }
    }

    /// An answer that says no, in which case nothing was done, unless Azure itself failed.
    pub(super) async fn refused(action: &'static str, response: Response) -> Self {
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        Self {
            cause: Cause::Refused {
                action,
                status,
                words: words(&text),
            },
            may_have_started: status.is_server_error(),
        }
    }

    /// The same, of a request before the start.
    pub(super) fn when_not_started(mut self) -> Self {
        self.may_have_started = false;
        self
    }

    /// The same, of a request after the start.
    pub(super) fn when_started(mut self) -> Self {
        self.may_have_started = true;
        self
    }

    /// Whether an execution may be on its way all the same.
    pub fn may_have_started(&self) -> bool {
        self.may_have_started
    }
}

impl std::error::Error for StartError {}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

fn fix(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "; give the identity the right `Microsoft.App/jobs/start/action` on the job"
        }
        StatusCode::NOT_FOUND => {
            "; correct `subscription`, `resource_group` and `job` in [processor]"
        }
        _ => "",
    }
}

/// Azure's own message, if the body holds one.
fn words(body: &str) -> String {
    let message = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|body| Some(body.pointer("/error/message")?.as_str()?.to_owned()));
    let text = message.as_deref().unwrap_or(body);
    text.chars().take(WORDS_MAX).collect()
}

/// The error and what it comes from, in one sentence.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azures_own_message_is_told_and_bounded() {
        assert_eq!(words(r#"{"error":{"code":"X","message":"no"}}"#), "no");
        assert_eq!(words("plain"), "plain");
        assert_eq!(words(&"x".repeat(10_000)).len(), WORDS_MAX);
    }
}
