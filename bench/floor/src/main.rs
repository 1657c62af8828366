//! The floor: what an order costs if nothing stands between the request and SQLite.
//!
//! `bench-floor FILE` serves on a free port and says where. An order is written before its `202`,
//! with all others that wait for the same fsync ([`store`]); a task works on it, and its outcome is
//! written the same way. Orders that were open at a crash are worked on at the next start. There
//! are no retries, leases, owners or limits: only what no system of this kind can do without.

mod order;
mod store;

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use bytes::Bytes;
use tokio::net::TcpListener;
use uuid::Uuid;

use order::Order;
use store::{Record, Store};

/// A status, the headers, and JSON.
type Answer = (StatusCode, HeaderMap, String);

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1);
    let file = file.context("expected the path of a file to keep orders in")?;
    let (store, accepted) = Store::open(file.into())?;
    let store = Arc::new(store);
    tokio::spawn(store::work(Arc::clone(&store), accepted));
    let app = Router::new()
        .route("/orders", post(submit))
        .route("/orders/status/{id}", get(status))
        .route("/orders/{id}", get(result))
        .with_state(store);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("Serving http://{}", listener.local_addr()?);
    axum::serve(listener, app).await.context("cannot serve")
}

async fn submit(State(store): State<Arc<Store>>, body: Bytes) -> Answer {
    let order = match Order::read(&body) {
        Ok(order) => order,
        Err(error) => return plain(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    };
    let id = Uuid::now_v7();
    let Some(record) = store.accept(id, order.work_ms(), body).await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the order was not written");
    };
    let mut headers = headers();
    headers.insert(header::LOCATION, value(&format!("/orders/status/{id}")));
    headers.insert(header::RETRY_AFTER, value("1"));
    (StatusCode::ACCEPTED, headers, document(id, &record))
}

async fn status(State(store): State<Arc<Store>>, Path(id): Path<Uuid>) -> Answer {
    let Some(record) = store.find(id) else {
        return plain(StatusCode::NOT_FOUND, "there is no such order");
    };
    let mut headers = headers();
    let status = if record.completed_ms.is_some() {
        headers.insert(header::LOCATION, value(&format!("/orders/{id}")));
        StatusCode::SEE_OTHER
    } else {
        headers.insert(header::RETRY_AFTER, value("1"));
        StatusCode::OK
    };
    (status, headers, document(id, &record))
}

async fn result(State(store): State<Arc<Store>>, Path(id): Path<Uuid>) -> Answer {
    match store.result(id) {
        Some(result) => (StatusCode::OK, headers(), result),
        None => plain(StatusCode::NOT_FOUND, "there is no such result"),
    }
}

/// What a client is told of an order.
fn document(id: Uuid, record: &Record) -> String {
    let status = match record.completed_ms {
        Some(_) => "completed",
        None => "pending",
    };
    let created = order::time(record.created_ms);
    let updated = record
        .completed_ms
        .map_or_else(|| created.clone(), order::time);
    format!(
        r#"{{"id":"{id}","status":"{status}","createdAt":"{created}","updatedAt":"{updated}","links":{{"status":"/orders/status/{id}","result":"/orders/{id}"}}}}"#
    )
}

fn plain(status: StatusCode, sentence: &str) -> Answer {
    let problem = serde_json::json!({ "title": sentence });
    (status, headers(), problem.to_string())
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, value("application/json"))])
}

fn value(text: &str) -> header::HeaderValue {
    // OK because what is given here is made of ids and words.
    header::HeaderValue::from_str(text).expect("the text is visible ASCII")
}
