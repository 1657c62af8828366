//! Where tokens come from: the endpoint that a container app has for its managed identity, and the
//! authority that takes the token of a pod for one of the account's.

use super::tls;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// What a container's request must bring, so that nobody else's gets a token.
const HEADER: &str = "a-secret-of-the-container";
/// The one identity that there is, and where it is at home.
const CLIENT_ID: &str = "11111111-2222-4333-8444-555555555555";
const TENANT_ID: &str = "66666666-7777-4888-9999-000000000000";
/// What Kubernetes gives a pod.
pub(crate) const POD_TOKEN: &str = "the.token-of.a_pod";

/// The endpoint of a container app, which listens for as long as its runtime lives.
pub(crate) struct Identity {
    address: SocketAddr,
}

impl Identity {
    /// Gives out `token`.
    pub(crate) async fn start(token: &'static str) -> Self {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection is accepted");
                tokio::spawn(converse(stream, move |request, _| managed(&request, token)));
            }
        });
        Self { address }
    }

    /// The environment of a container app.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        let endpoint = format!("http://{}/msi/token", self.address);
        [
            ("IDENTITY_ENDPOINT", endpoint),
            ("IDENTITY_HEADER", HEADER.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
        ]
    }
}

/// The authority for pods, which is only spoken to by TLS.
pub(crate) struct Authority {
    address: SocketAddr,
    /// Its certificate, in PEM.
    pub(crate) certificate: String,
}

impl Authority {
    /// Gives out `token` for [`POD_TOKEN`].
    pub(crate) async fn start(token: &'static str) -> Self {
        let (listener, address) = listener().await;
        let (acceptor, certificate) = tls::self_signed();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection is accepted");
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, |request, body| exchanged(&request, &body, token)).await;
                    }
                });
            }
        });
        Self {
            address,
            certificate,
        }
    }

    /// The environment of a pod, but for the file with its token.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("AZURE_AUTHORITY_HOST", format!("https://{}/", self.address)),
            ("AZURE_TENANT_ID", TENANT_ID.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
        ]
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("it was bound");
    (listener, address)
}

/// A request without its body.
type Head = http::request::Parts;

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(Head, String) -> Option<Value>,
) {
    let service = service_fn(async |request: http::Request<Incoming>| {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        let (status, json) = match answer(head, body) {
            Some(json) => (StatusCode::OK, json),
            None => (
                StatusCode::BAD_REQUEST,
                json!({ "error": "invalid_request" }),
            ),
        };
        let response = http::Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(json.to_string())));
        Ok::<_, hyper::Error>(response.expect("the headers are valid"))
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Clients end connections as they like.
    drop(connection.await);
}

/// What a container app gets for its request.
fn managed(request: &Head, token: &str) -> Option<Value> {
    let query = request.uri.query()?;
    let header = request.headers.get("x-identity-header")?;
    let resource = has(query, "resource", "https%3A%2F%2Fcosmos.azure.com");
    if header != HEADER
        || !has(query, "api-version", "2019-08-01")
        || !(resource || has(query, "resource", "https://cosmos.azure.com"))
        || !has(query, "client_id", CLIENT_ID)
    {
        return None;
    }
    let expires = SystemTime::now() + Duration::from_hours(1);
    let expires = expires.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(json!({
        "access_token": token,
        "expires_on": expires.to_string(),
        "resource": "https://cosmos.azure.com",
        "token_type": "Bearer",
        "client_id": CLIENT_ID,
    }))
}

/// What a pod gets for its token.
fn exchanged(request: &Head, body: &str, token: &str) -> Option<Value> {
    let known = request.method == Method::POST
        && request.uri.path() == format!("/{TENANT_ID}/oauth2/v2.0/token")
        && has(body, "grant_type", "client_credentials")
        && has(body, "client_id", CLIENT_ID)
        && has(body, "client_assertion", POD_TOKEN)
        && has(body, "scope", "https%3A%2F%2Fcosmos.azure.com%2F.default");
    known.then(|| json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token }))
}

fn has(pairs: &str, name: &str, value: &str) -> bool {
    pairs
        .split('&')
        .any(|pair| pair == format!("{name}={value}"))
}
