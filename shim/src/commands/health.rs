//! `wasm-shim health URL`: one GET, for images that have nothing else to ask with.

use http::Uri;
use http_body_util::{BodyExt as _, Empty};
use std::process::ExitCode;
use std::time::Duration;
use wasmtime_wasi_http::{RequestOptions, default_send_request};

/// How long the whole request may take; probes have short patience.
const ANSWER_MAX: Duration = Duration::from_secs(5);

pub(crate) fn run(url: &str) -> ExitCode {
    match check(url) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("wasm-shim: `{url}` {problem}");
            ExitCode::FAILURE
        }
    }
}

fn check(url: &str) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|error| format!("is no URL: {error}"))?;
    let host = uri
        .authority()
        .map(ToString::to_string)
        .ok_or("names no host")?;
    let request = http::Request::get(uri)
        .header(http::header::HOST, host)
        .body(Empty::new().map_err(|never| match never {}))
        .map_err(|error| format!("cannot be asked: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot be asked: {error}"))?;
    let options = RequestOptions {
        connect_timeout: Some(ANSWER_MAX),
        first_byte_timeout: Some(ANSWER_MAX),
        between_bytes_timeout: Some(ANSWER_MAX),
    };
    let answer = runtime.block_on(async {
        tokio::time::timeout(ANSWER_MAX, async {
            default_send_request(request, Some(options))
                .await
                .map(|(response, _)| response.status())
        })
        .await
    });
    match answer {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(format!("answered {status}")),
        Ok(Err(error)) => Err(format!("did not answer: {error}")),
        Err(_) => Err(format!("did not answer within {} s", ANSWER_MAX.as_secs())),
    }
}
