//! An order from submission to result, by `ureq`: the example of `docs/clients.md`, to the letter.

use std::error::Error;
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

/// Sends an order, waits for its end, and returns the result, which is JSON.
pub(crate) fn place(service: &str, order: &str, key: &str) -> Result<String, Box<dyn Error>> {
    let config = Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(1)));
    let agent = config.build().new_agent();

    let mut accepted = ask(|| {
        let request = agent.post(format!("{service}/orders"));
        let request = request.header("content-type", "application/json");
        let request = request.header("idempotency-key", format!("\"{key}\""));
        request.send(order)
    })?;
    if accepted.status() != 202 {
        return Err(accepted.body_mut().read_to_string()?.into());
    }
    let mut place = location(service, &accepted)?;

    loop {
        let mut answer = ask(|| agent.get(&place).call())?;
        match answer.status().as_u16() {
            // It has not ended.
            200 if header(&answer, "retry-after").is_some() => pause(&answer, 1),
            200 => return Ok(answer.body_mut().read_to_string()?),
            303 => place = location(service, &answer)?,
            _ => return Err(answer.body_mut().read_to_string()?.into()),
        }
    }
}

/// Asks again while there is no answer, or none yet.
fn ask(
    request: impl Fn() -> Result<Response<Body>, ureq::Error>,
) -> Result<Response<Body>, ureq::Error> {
    for attempt in 1..8 {
        match request() {
            Ok(answer) if matches!(answer.status().as_u16(), 429 | 502..=504) => {
                pause(&answer, attempt);
            }
            Ok(answer) => return Ok(answer),
            Err(_) => thread::sleep(Duration::from_secs(attempt)),
        }
    }
    request()
}

/// Waits for as long as an answer asks, or for some seconds.
fn pause(answer: &Response<Body>, seconds: u64) {
    let asked = header(answer, "retry-after").and_then(|value| value.parse().ok());
    thread::sleep(Duration::from_secs(asked.unwrap_or(seconds)));
}

fn location(service: &str, answer: &Response<Body>) -> Result<String, Box<dyn Error>> {
    let path = header(answer, "location").ok_or("expected a `location`")?;
    Ok(format!("{service}{path}"))
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}
