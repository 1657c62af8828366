//! Work that another server does: the order is sent to `worker_url` by POST. `docs/worker.md` is what
//! such a server is promised; what its answer means is in `answer.rs`.

mod answer;

use std::time::Duration;

use futures::future::{Either, select};
use serde_json::value::RawValue;
use work::{Context, HttpRequest, Variables, WorkError};

/// How much longer the host is asked to wait than we do, so that it is we who end a wait, and say why.
const HOST_WAITS_LONGER: Duration = Duration::from_secs(1);

/// The result that the worker gave, if it gave one; or why there is none.
type Answered = Result<Option<Box<RawValue>>, WorkError>;

/// A server that does the work.
pub struct Worker {
    url: String,
    token: Token,
    timeout: Duration,
}

impl Worker {
    /// Reads `worker_url`, `worker_token` and `worker_timeout_seconds`.
    pub async fn from_variables(variables: &mut Variables) -> Self {
        let timeout_seconds = variables.number("worker_timeout_seconds", 1..=86_400);
        let timeout = Duration::from_secs(timeout_seconds.await);
        let url = variables.http_url("worker_url").await;
        let token = Token::from_variables(variables).await;
        Self {
            url,
            token,
            timeout,
        }
    }

    /// Has the worker do the work, and returns what it answers.
    ///
    /// # Errors
    /// As the worker's answer, or its silence, says.
    pub async fn run(&self, order: &str, context: &Context) -> Answered {
        let timeout = Box::pin(async {
            // A cancelled order's request is dropped, which closes the connection.
            select(
                Box::pin(work::sleep(self.timeout)),
                Box::pin(context.cancelled()),
            )
            .await;
        });
        match select(Box::pin(self.post(order, context)), timeout).await {
            Either::Left((answered, _)) => answered,
            Either::Right(_) => Err(WorkError::retryable(format!(
                "the worker did not answer within {} s",
                self.timeout.as_secs()
            ))),
        }
    }

    async fn post(&self, order: &str, context: &Context) -> Answered {
        let request = HttpRequest::post(&self.url)
            .header("content-type", "application/json")
            // The same for each attempt, so that the worker can tell a repetition. Quoted, as the
            // Idempotency-Key draft (06) has it: a string of RFC 8941.
            .header("idempotency-key", format!("\"{}\"", context.id()))
            .header("attempt", context.attempt().to_string())
            .headers(self.token.header())
            .headers(context.trace().iter().cloned())
            .body(order)
            .answer_max(self.timeout + HOST_WAITS_LONGER);
        let response = request
            .send()
            .await
            .map_err(|cause| WorkError::retryable(format!("the worker did not answer: {cause}")))?;
        answer::outcome(response, &self.token).await
    }
}

/// What the worker knows us by; empty if by nothing. It has no `Debug`, and is in no message.
struct Token(String);

impl Token {
    async fn from_variables(variables: &mut Variables) -> Self {
        let value = variables.text("worker_token").await;
        // A secret that comes from a file may end in a line feed.
        let token = value.trim();
        // RFC 9110 §5.5: what a header may hold without a doubt. What was found is not told.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = "the variable `worker_token` must be empty, or visible ASCII characters without a space";
            variables.fault("worker_token", detail.to_owned());
        }
        Self(token.to_owned())
    }

    fn header(&self) -> Option<(&'static str, String)> {
        (!self.0.is_empty()).then(|| ("authorization", format!("Bearer {}", self.0)))
    }

    /// `text`, which a server wrote that knows the token, without it.
    fn hidden_in(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.0, "[worker_token]")
        }
    }
}
