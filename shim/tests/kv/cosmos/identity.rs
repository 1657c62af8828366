//! The endpoint from which a container app gets the tokens of its managed identity.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// What the request must bring, so that nobody else's request gets a token.
pub(crate) const HEADER: &str = "a-secret-of-the-container";

/// The one identity that there is.
pub(crate) const CLIENT_ID: &str = "11111111-2222-4333-8444-555555555555";

/// An identity endpoint that listens, for as long as its runtime lives.
pub(crate) struct Identity {
    address: SocketAddr,
}

impl Identity {
    /// Gives out `token`.
    pub(crate) async fn start(token: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it was bound");
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("connections can be accepted");
                tokio::spawn(async move {
                    let service = service_fn(|request| async move {
                        Ok::<_, Infallible>(answer(&request, token))
                    });
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    drop(connection.await);
                });
            }
        });
        Self { address }
    }

    /// The environment of a container app.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("IDENTITY_ENDPOINT", format!("http://{}/msi/token", self.address)),
            ("IDENTITY_HEADER", HEADER.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
        ]
    }
}

fn answer(request: &http::Request<Incoming>, token: &str) -> http::Response<Full<Bytes>> {
    let query = request.uri().query().unwrap_or_default();
    let asked = |name: &str, value: &str| query.split('&').any(|pair| pair == format!("{name}={value}"));
    let header = request.headers().get("x-identity-header");
    let resource = "https%3A%2F%2Fcosmos.azure.com";
    if header.is_none_or(|header| header != HEADER)
        || !asked("api-version", "2019-08-01")
        || !(asked("resource", resource) || asked("resource", "https://cosmos.azure.com"))
        || !asked("client_id", CLIENT_ID)
    {
        return respond(StatusCode::BAD_REQUEST, &json!({ "message": query }));
    }
    let expires = SystemTime::now() + Duration::from_secs(3600);
    let expires = expires.duration_since(UNIX_EPOCH).expect("it is after 1970");
    respond(
        StatusCode::OK,
        &json!({
            "access_token": token,
            "expires_on": expires.as_secs().to_string(),
            "resource": "https://cosmos.azure.com",
            "token_type": "Bearer",
            "client_id": CLIENT_ID,
        }),
    )
}

fn respond(status: StatusCode, body: &serde_json::Value) -> http::Response<Full<Bytes>> {
    let response = http::Response::builder().status(status);
    let response = response.header("content-type", "application/json");
    let body = Full::new(Bytes::from(body.to_string()));
    response.body(body).expect("the headers are valid")
}
