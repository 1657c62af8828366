//! `GET /healthz` and `GET /readyz`: whether this instance lives, and whether it can serve.

use std::rc::Rc;

use guest::Response;

use crate::app::App;
use crate::problem::Problem;

/// The component runs.
pub fn alive() -> Response {
    ok()
}

/// The component runs, and reaches its store.
pub async fn ready(app: Rc<App>) -> Result<Response, Problem> {
    app.store.probe().await?;
    Ok(ok())
}

fn ok() -> Response {
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    Response {
        status: 200,
        headers,
        body: br#"{"status":"ok"}"#.to_vec(),
    }
}
