//! The message that tells of an order's end, and whom it is for: Standard Webhooks 1.0 around an event in
//! the JSON format of CloudEvents 1.0. `docs/notifications.md` is what its receiver is promised.

use guest::{HttpRequest, Variables, http_origin};
use protocol::{ErrorCode, OrderId, Record, Status, Timestamp};
use serde::Serialize;
use work::Work;

use crate::secret::Secrets;

/// Whom to tell, and what the messages say of this service.
pub struct Notifications {
    /// Who is told of orders whose clients named nobody.
    url: Option<String>,
    /// The origins of the URLs that clients may name.
    origins: Vec<String>,
    secrets: Secrets,
    /// What one order is called, and all of them.
    name: &'static str,
    collection: &'static str,
    /// Where the service is, without a slash at the end; empty if that is not said.
    public_url: String,
}

impl Notifications {
    /// Reads `notify_url`, `notify_origins`, `notify_secret` and `public_url`.
    pub async fn from_variables<W: Work>(variables: &mut Variables) -> Self {
        let url = variables.http_target("notify_url").await;
        let origins = variables.http_origins("notify_origins").await;
        let secrets = Secrets::from_variables(variables).await;
        if secrets.is_empty() && (url.is_some() || !origins.is_empty()) {
            let detail = "the variable `notify_secret` must be set where `notify_url` or `notify_origins` is: without a signature nobody knows who sent a notification";
            variables.fault("notify_secret", detail.to_owned());
        }
        let public_url = variables.http_target("public_url").await;
        Self {
            url,
            origins,
            secrets,
            name: W::NAME,
            collection: W::COLLECTION,
            public_url: public_url
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned(),
        }
    }

    /// The request that tells of the end of the order in `record`, at the time `now`.
    ///
    /// # Errors
    /// With a sentence, if nobody may be told now: variables were changed since the order was submitted.
    pub fn message(&self, record: &Record, now: Timestamp) -> Result<HttpRequest, String> {
        let url = self.target(record)?;
        let id = format!("{}_{}", self.name, record.id);
        let body = self.event(&id, record);
        let timestamp = now.as_unix_ms() / 1000;
        let signature = self.secrets.sign(&id, timestamp, &body);
        // No baggage: it is for those who work on the order, and may say more than others should know.
        let trace = record
            .trace()
            .into_iter()
            .filter(|(name, _)| *name != "baggage");
        Ok(HttpRequest::post(url)
            .header(
                "content-type",
                "application/cloudevents+json; charset=utf-8",
            )
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .headers(trace)
            .body(body))
    }

    fn target<'a>(&'a self, record: &'a Record) -> Result<&'a str, String> {
        let named = record
            .notification
            .as_ref()
            .and_then(|it| it.url.as_deref());
        match named {
            Some(url) if http_origin(url).is_some_and(|origin| self.origins.contains(&origin)) => {
                Ok(url)
            }
            Some(_) => {
                Err("the variable `notify_origins` does not allow its target any more".to_owned())
            }
            None => self
                .url
                .as_deref()
                .ok_or_else(|| "the variable `notify_url` is not set any more".to_owned()),
        }
    }

    fn event(&self, id: &str, record: &Record) -> String {
        let path = format!("{}/{}", self.public_url, self.collection);
        let at = record.ended_at().unwrap_or(record.updated_at);
        let status = record.status();
        let failure = record.latest_error().filter(|_| status == Status::Failed);
        let event = Event {
            specversion: "1.0",
            id,
            source: &path,
            r#type: format!("{}.{}", self.name, status.as_str()),
            subject: record.id,
            time: at.to_string(),
            datacontenttype: "application/json",
            data: Data {
                id: record.id,
                status,
                error: failure.map(|failure| Failed {
                    code: failure.code,
                    message: failure.message,
                }),
                links: Links {
                    status: format!("{path}/status/{}", record.id),
                    result: format!("{path}/{}", record.id),
                },
            },
        };
        // OK because every map in an event has strings for keys.
        serde_json::to_string(&event).expect("an event is JSON")
    }
}

/// CloudEvents 1.0 §3.1, §3.2.
#[derive(Serialize)]
struct Event<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: String,
    subject: OrderId,
    time: String,
    datacontenttype: &'static str,
    data: Data,
}

/// What the service says of an order that has ended: never the order, nor its result.
#[derive(Serialize)]
struct Data {
    id: OrderId,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failed>,
    links: Links,
}

#[derive(Serialize)]
struct Failed {
    code: ErrorCode,
    message: String,
}

#[derive(Serialize)]
struct Links {
    status: String,
    result: String,
}
