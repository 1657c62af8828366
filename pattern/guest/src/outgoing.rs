//! Requests to others, by whichever WASI carries them.

use std::time::Duration;

use crate::host::http::{HostResponse, Method, call};

/// Sends `body` to `url` and returns the answer's head as soon as it is there.
///
/// # Errors
/// With a sentence, if `url` is none, the host does not grant it, or nobody answers.
pub async fn post(
    url: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<HostResponse, String> {
    let answer = call(
        &Method::Post,
        url,
        with_length(headers, body.len()),
        body,
        None,
    );
    answer.await.map_err(|cause| no_answer(url, &cause))
}

/// As [`post`], to a server that may take as long as `answer_max` to begin its answer, and between
/// two pieces of it: the host is asked to wait for so long, whatever it does by default. It is the
/// caller who ends the wait.
///
/// # Errors
/// With the cause alone: a URL may hold what only some may know.
pub async fn post_and_wait(
    url: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
    answer_max: Duration,
) -> Result<HostResponse, String> {
    let headers = with_length(headers, body.len());
    call(&Method::Post, url, headers, body, Some(answer_max)).await
}

/// Asks for `url` and returns the answer's head as soon as it is there.
///
/// # Errors
/// As [`post`].
pub async fn get(url: &str) -> Result<HostResponse, String> {
    let answer = call(&Method::Get, url, std::iter::empty(), Vec::new(), None);
    answer.await.map_err(|cause| no_answer(url, &cause))
}

fn with_length(
    headers: &[(&'static str, String)],
    body_bytes: usize,
) -> impl Iterator<Item = (&'static str, String)> {
    let length = ("content-length", body_bytes.to_string());
    headers.iter().cloned().chain([length])
}

fn no_answer(url: &str, cause: &str) -> String {
    format!("`{url}` did not answer: {cause}")
}
