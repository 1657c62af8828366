//! `GET /healthz` and `GET /readyz`: whether this instance lives, and whether it can serve.

use guest::Response;
use serde::Serialize;

use crate::app::App;
use crate::problem::Problem;

/// The component runs.
pub fn alive() -> Response {
    ok()
}

/// The component runs, and reaches its store.
pub async fn ready(app: &App) -> Result<Response, Problem> {
    app.store.probe().await?;
    Ok(ok())
}

fn ok() -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    Response::json(200, &Health { status: "ok" }).header("cache-control", "no-store")
}
