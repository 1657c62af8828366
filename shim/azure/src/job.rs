//! Azure Resource Manager, as far as starting executions of one job goes.
//!
//! What a start's body holds replaces the job's whole template, so the template is read first and
//! sent back with one variable more in the environment of each container.

use crate::error::{Cause, SetupError, StartError};
use crate::identity::identity;
use crate::settings::JobSettings;
use crate::template::Template;
use azure_core::credentials::TokenCredential;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const API_VERSION: &str = "2025-07-01";

/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// How long a start may take as a whole, with the pauses that Azure asks for.
const START_MAX: Duration = Duration::from_mins(3);
/// The pause where Azure asks for one and does not say how long.
const PAUSE: Duration = Duration::from_secs(5);
/// For how long a template is good: a job that was changed is started as it is now.
const TEMPLATE_MAX: Duration = Duration::from_secs(30);

/// Starts executions of one job.
pub struct JobClient {
    client: Client,
    identity: Arc<dyn TokenCredential>,
    /// What a token is asked for.
    scope: String,
    job: Url,
    start: Url,
    template: Mutex<Option<(Instant, Template)>>,
    /// Until when Azure wants no writes: it counts those of an identity, whatever they are for.
    writes_from: Mutex<Instant>,
}

impl JobClient {
    /// Will start executions of `job`; asks nobody anything yet.
    ///
    /// # Errors
    /// If the environment offers no identity, or no TLS.
    pub fn new(job: &JobSettings) -> Result<Self, SetupError> {
        let identity =
            identity(job.client_id.as_deref()).map_err(|error| SetupError::Identity {
                job: job.name.clone(),
                error,
            })?;
        let client = Client::builder()
            .timeout(REQUEST_MAX)
            .connect_timeout(REQUEST_MAX / 3)
            // A token is sent along: only to where it is for.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| SetupError::Tls {
                endpoint: job.arm_endpoint.clone(),
                error,
            })?;
        let scope = format!("{}.default", job.arm_endpoint);
        Ok(Self {
            client,
            identity,
            scope,
            job: resource(job, &[]),
            start: resource(job, &["start"]),
            template: Mutex::default(),
            writes_from: Mutex::new(Instant::now()),
        })
    }

    /// Starts an execution whose containers have `variable` in their environment, and returns its
    /// name.
    pub async fn start(&self, variable: &str, value: &str) -> Result<String, StartError> {
        let deadline = Instant::now() + START_MAX;
        let body = self.template().await?.with_variable(variable, value);
        loop {
            self.writes_allowed(deadline).await?;
            let response = self
                .send(Method::POST, self.start.clone(), Some(&body))
                .await?;
            match response.status() {
                StatusCode::TOO_MANY_REQUESTS => {
                    let from = Instant::now() + retry_after(response.headers());
                    let mut writes_from = self.writes_from.lock().await;
                    *writes_from = from.max(*writes_from);
                }
                StatusCode::ACCEPTED => return self.started(response, deadline).await,
                status if status.is_success() => return Ok(execution(response).await),
                _ => return Err(StartError::refused("start an execution", response).await),
            }
        }
    }

    /// Waits until a start that was accepted has been made.
    async fn started(&self, accepted: Response, deadline: Instant) -> Result<String, StartError> {
        let Some(operation) = operation(&accepted) else {
            return Ok(execution(accepted).await);
        };
        // The token goes nowhere else.
        if operation.origin() != self.job.origin() {
            return Err(StartError::after_start(Cause::Elsewhere));
        }
        let mut pause = retry_after(accepted.headers());
        loop {
            if Instant::now() + pause > deadline {
                return Err(StartError::after_start(Cause::TooSlow));
            }
            tokio::time::sleep(pause).await;
            let response = self.send(Method::GET, operation.clone(), None).await;
            let response = response.map_err(StartError::when_started)?;
            match response.status() {
                StatusCode::ACCEPTED | StatusCode::TOO_MANY_REQUESTS => {
                    pause = retry_after(response.headers());
                }
                status if status.is_success() => return Ok(execution(response).await),
                _ => {
                    let refused = StartError::refused("follow the start", response).await;
                    return Err(refused.when_started());
                }
            }
        }
    }

    async fn writes_allowed(&self, deadline: Instant) -> Result<(), StartError> {
        let from = *self.writes_from.lock().await;
        if from > deadline {
            return Err(StartError::before_start(Cause::Throttled));
        }
        tokio::time::sleep_until(from).await;
        Ok(())
    }

    /// The job's template, as it is or was a moment ago.
    async fn template(&self) -> Result<Template, StartError> {
        // Held while reading, so that orders that come together read it once.
        let mut kept = self.template.lock().await;
        if let Some((read_at, template)) = &*kept
            && read_at.elapsed() < TEMPLATE_MAX
        {
            return Ok(template.clone());
        }
        let response = self.send(Method::GET, self.job.clone(), None).await;
        let response = response.map_err(StartError::when_not_started)?;
        if !response.status().is_success() {
            let refused = StartError::refused("read the job", response).await;
            return Err(refused.when_not_started());
        }
        let job = response
            .json()
            .await
            .map_err(|error| StartError::before_start(Cause::Request(error.without_url())))?;
        let template = Template::of(job).ok_or(StartError::before_start(Cause::NoTemplate))?;
        *kept = Some((Instant::now(), template.clone()));
        Ok(template)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Response, StartError> {
        let token =
            tokio::time::timeout(REQUEST_MAX, self.identity.get_token(&[&self.scope], None))
                .await
                .map_err(|_| StartError::before_start(Cause::TooSlow))?
                .map_err(|error| StartError::before_start(Cause::Identity(error)))?;
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(token.token.secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| {
            // What could not be sent was not done; of anything else nobody knows.
            let sent = !error.is_connect() && !error.is_builder();
            let cause = Cause::Request(error.without_url());
            if sent {
                StartError::after_start(cause)
            } else {
                StartError::before_start(cause)
            }
        })
    }
}

/// The job's URL, or one below it.
fn resource(job: &JobSettings, below: &[&str]) -> Url {
    let mut url = job.arm_endpoint.url().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([
            "subscriptions",
            &job.subscription,
            "resourceGroups",
            &job.resource_group,
            "providers",
            "Microsoft.App",
            "jobs",
            &job.name,
        ]);
        path.extend(below);
    }
    url.query_pairs_mut()
        .append_pair("api-version", API_VERSION);
    url
}

/// RFC 9110, section 10.2.3: Azure gives seconds.
fn retry_after(headers: &HeaderMap) -> Duration {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map_or(PAUSE, Duration::from_secs)
}

/// Where an accepted start can be followed.
fn operation(accepted: &Response) -> Option<Url> {
    let location = accepted.headers().get(LOCATION)?.to_str().ok()?;
    accepted.url().join(location).ok()
}

/// The name of the execution that was started, for the log.
async fn execution(response: Response) -> String {
    let body: Option<Value> = response.json().await.ok();
    body.and_then(|body| Some(body.get("name")?.as_str()?.to_owned()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ArmEndpoint;

    #[test]
    fn a_name_stays_one_segment_of_the_url() {
        let job = JobSettings {
            subscription: "s".to_owned(),
            resource_group: "a group/../x".to_owned(),
            name: "orders?".to_owned(),
            client_id: None,
            arm_endpoint: ArmEndpoint::default(),
        };
        assert_eq!(
            resource(&job, &["start"]).as_str(),
            "https://management.azure.com/subscriptions/s/resourceGroups/a%20group%2F..%2Fx/providers/Microsoft.App/jobs/orders%3F/start?api-version=2025-07-01"
        );
    }
}
