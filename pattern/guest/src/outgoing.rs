//! Requests to others, by whichever WASI carries them.

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
    let length = ("content-length", body.len().to_string());
    let headers = headers.iter().cloned().chain([length]);
    call(&Method::Post, url, headers, body).await
}

/// Asks for `url` and returns the answer's head as soon as it is there.
///
/// # Errors
/// As [`post`].
pub async fn get(url: &str) -> Result<HostResponse, String> {
    call(&Method::Get, url, std::iter::empty(), Vec::new()).await
}
