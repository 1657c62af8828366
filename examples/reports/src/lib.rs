//! Reports: another server renders them, a page at a time.

use serde::Deserialize;
use work::{Context, HttpRequest, JsonSchema, Sent, Variables, Work, WorkError, schemars};

/// What clients send.
#[derive(Deserialize, JsonSchema)]
pub struct Report {
    /// What it is about.
    #[schemars(length(min = 1, max = 200))]
    title: String,
    /// How many pages it has.
    #[serde(deserialize_with = "work::integer")]
    #[schemars(range(min = 1, max = 100))]
    pages: u32,
}

/// The app: the server at this URL renders.
pub struct App(String);

impl Work for App {
    const COLLECTION: &'static str = "reports";
    const NAME: &'static str = "report";
    const EXAMPLE: &'static str = include_str!("../example.json");

    type Input = Report;
    /// Where each page is.
    type Output = Vec<String>;

    async fn from_variables(variables: &mut Variables) -> Self {
        Self(variables.http_url("service_url").await)
    }

    async fn run(&self, sent: &Sent<Report>, context: &Context) -> Result<Vec<String>, WorkError> {
        let report = sent.read()?;
        let mut places = Vec::new();
        for page in 1..=report.pages {
            let request = HttpRequest::post(&self.0)
                .header("content-type", "application/json")
                // The same in each attempt, so that the server can tell a repetition.
                .header("idempotency-key", format!("\"{}-{page}\"", context.id()))
                .body(serde_json::json!({"title": report.title, "page": page}).to_string());
            let place = request.send().await.and_then(|answer| {
                let place = answer.header("location");
                place.ok_or_else(|| format!("page {page} was answered with `{}`", answer.status()))
            });
            places.push(place.map_err(WorkError::retryable)?);
            context.set_progress(f64::from(page) / f64::from(report.pages));
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use work::Rules;

    use super::*;

    #[test]
    fn the_example_is_a_report() {
        let read = Rules::of::<App>().read::<App>(App::EXAMPLE.as_bytes());
        assert_eq!(read.err(), None);
    }
}
