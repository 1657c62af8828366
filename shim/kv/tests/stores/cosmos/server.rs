//! Connections to the account, and what goes wrong with them when a test says so.

use super::request::Request;
use super::service::{Account, Answer};
use super::tls;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection breaks before it is looked at.
    Cut,
    /// It is done, and the connection breaks before the answer.
    AnswerLost,
    /// It is refused for lack of throughput, with a delay to keep.
    Throttled {
        /// What `x-ms-retry-after-ms` says.
        retry_after_ms: u64,
    },
    /// It is refused with a status.
    Refused(u16),
    /// It is refused, as the region no longer takes writes.
    RegionLeft,
    /// No answer ever comes.
    Silence,
}

type Matches = Box<dyn Fn(&Request) -> bool + Send>;

/// A fault that was ordered.
struct Order {
    matches: Matches,
    fault: Fault,
    times_left: usize,
}

/// An account that listens, for as long as this lives.
pub(crate) struct Server {
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

struct Shared {
    endpoint: String,
    state: Mutex<State>,
}

struct State {
    account: Account,
    orders: Vec<Order>,
    /// What was asked, faults included: the method and the path.
    log: Vec<String>,
}

impl Server {
    /// Lets `account` listen on a free port, on a thread of its own: it outlives the runtimes of
    /// those who call it.
    pub(crate) fn start(account: Account) -> Self {
        Self::start_with(account, None)
    }

    /// As [`Self::start`], by TLS; and the certificate that it shows, which nobody has signed.
    pub(crate) fn start_tls(account: Account) -> (Self, String) {
        let (acceptor, certificate) = tls::self_signed();
        (Self::start_with(account, Some(acceptor)), certificate)
    }

    fn start_with(account: Account, tls: Option<TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be so");
        let address = listener.local_addr().expect("it was bound");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            endpoint: format!("{scheme}://{address}/"),
            state: Mutex::new(State {
                account,
                orders: Vec::new(),
                log: Vec::new(),
            }),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, tls, shared.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                tokio::select! {
                    () = serving => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            shared,
            _stop: stop,
        }
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        self.shared.endpoint.clone()
    }

    /// Lets `fault` happen to the next `times` requests that match.
    pub(crate) fn order(
        &self,
        fault: Fault,
        times: usize,
        matches: impl Fn(&Request) -> bool + Send + 'static,
    ) {
        self.state().orders.push(Order {
            matches: Box::new(matches),
            fault,
            times_left: times,
        });
    }

    /// Takes back all faults that have not happened.
    pub(crate) fn recover(&self) {
        self.state().orders.clear();
    }

    /// Forgets what was asked.
    pub(crate) fn clear_log(&self) {
        self.state().log.clear();
    }

    /// What was asked since: `PUT docs/a` and the like.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Changes the account while it serves.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Account)) {
        change(&mut self.state().account);
    }

    /// An item of container `default` as it is stored.
    pub(crate) fn stored(&self, id: &str) -> Option<Value> {
        self.state().account.items("default").stored(id)
    }

    /// Puts an item into container `default` as another program would.
    pub(crate) fn put_foreign(&self, id: &str, json: Value) {
        self.state().account.items("default").put_foreign(id, json);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no test panics within")
    }
}

async fn serve(listener: std::net::TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("the socket is a listener");
    loop {
        let (stream, _) = listener
            .accept()
            .await
            .expect("connections can be accepted");
        // Answers are small, and waiting for more of them would only be slow.
        stream.set_nodelay(true).expect("the socket is TCP");
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            let Some(tls) = tls else {
                return converse(stream, &shared).await;
            };
            // Who does not trust the certificate goes away.
            if let Ok(stream) = tls.accept(stream).await {
                converse(stream, &shared).await;
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) {
    let service = service_fn(|request| handle(request, shared));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // It ends with an error when it was to break.
    drop(connection.await);
}

/// An error ends the connection without an answer.
async fn handle(
    request: http::Request<Incoming>,
    shared: &Shared,
) -> Result<http::Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?;
    let request = Request::new(parts, body.to_bytes());
    let (fault, answer) = {
        let mut state = shared.state.lock().expect("no test panics within");
        let place = request.path.get(4..).unwrap_or(&request.path);
        let entry = format!("{} {}", request.method, place.join("/"));
        state.log.push(entry);
        let fault = state.fault(&request);
        let answer = match fault {
            None | Some(Fault::AnswerLost) => {
                Some(state.account.answer(&request, &shared.endpoint))
            }
            Some(_) => None,
        };
        (fault, answer)
    };
    let refusal = |status: u16| {
        let status = StatusCode::from_u16(status).expect("the test names a status");
        Answer::error(status, "ordered by the test")
    };
    match (fault, answer) {
        (None, Some(answer)) => Ok(response(answer)),
        (Some(Fault::Throttled { retry_after_ms }), _) => Ok(response(
            refusal(429)
                .with_sub_status(3200)
                .with_header("x-ms-retry-after-ms", &retry_after_ms.to_string()),
        )),
        (Some(Fault::Refused(status)), _) => Ok(response(refusal(status))),
        (Some(Fault::RegionLeft), _) => Ok(response(refusal(403).with_sub_status(3))),
        (Some(Fault::Silence), _) => std::future::pending().await,
        _ => Err(std::io::Error::other("ordered by the test")),
    }
}

impl State {
    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let order = self
            .orders
            .iter_mut()
            .find(|order| order.times_left > 0 && (order.matches)(request))?;
        order.times_left -= 1;
        Some(order.fault)
    }
}

fn response(answer: Answer) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::builder()
        .status(answer.status)
        .header("x-ms-activity-id", "00000000-0000-4000-8000-000000000000")
        .header("x-ms-request-charge", "1");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        Some(body) => Bytes::from(body.to_string()),
        None => Bytes::new(),
    };
    response
        .body(Full::new(body))
        .expect("the headers are valid")
}
