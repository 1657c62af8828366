//! The route table: which resources there are, and what may be done to each.

use guest::{Request, Response};
use orders::OrderId;

use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::{auth, cancel, cors, health, history, page, problem, result, status, submit, sweep};

/// Answers any request.
pub async fn answer(request: Request) -> Response {
    let origin = request.header("origin");
    let response = match answer_resource(request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    sweep::after_response();
    match origin {
        Some(origin) => cors::grant(response, &origin).await,
        None => response,
    }
}

async fn answer_resource(request: Request) -> Result<Response, Problem> {
    let target = request.target();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let resource = Resource::at(path).ok_or_else(|| Problem::not_found(path))?;
    let method = request.method();
    // RFC 9110 §9.3.2: HEAD is GET without the body, which the server leaves out.
    let method = if method == "HEAD" {
        "GET"
    } else {
        method.as_str()
    };
    match (resource, method) {
        (Resource::Orders, "POST") => submit::post(call(request).await?).await,
        (Resource::Orders, "GET") => history::get(call(request).await?, query).await,
        (Resource::Status(id), "GET") => status::get(call(request).await?, order_id(id)?).await,
        (Resource::Status(id), "DELETE") => {
            cancel::delete(call(request).await?, order_id(id)?).await
        }
        (Resource::Order(id), "GET") => result::get(call(request).await?, order_id(id)?).await,
        (Resource::Healthz, "GET") => Ok(health::alive()),
        (Resource::Readyz, "GET") => health::ready(App::get().await?.as_ref()).await,
        (Resource::Page(file), "GET") => {
            page::get(file, &request).ok_or_else(|| Problem::not_found(path))
        }
        (Resource::Problem(code), "GET") => {
            problem::page(code).ok_or_else(|| Problem::not_found(path))
        }
        (resource, "OPTIONS") => Ok(options(resource)),
        (resource, method) => Err(Problem::method_not_allowed(method, resource.allow())),
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource<'a> {
    /// `/orders`
    Orders,
    /// `/orders/status/{id}`
    Status(&'a str),
    /// `/orders/{id}`
    Order(&'a str),
    /// `/healthz`
    Healthz,
    /// `/readyz`
    Readyz,
    /// `/problems/{code}`
    Problem(&'a str),
    /// `/` and `/assets/{file}`
    Page(&'a str),
}

impl<'a> Resource<'a> {
    fn at(path: &'a str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let resource = match (segments.next()?, segments.next(), segments.next()) {
            ("orders", None, None) => Self::Orders,
            ("orders", Some("status"), Some(id)) => Self::Status(id),
            ("orders", Some(id), None) => Self::Order(id),
            ("healthz", None, None) => Self::Healthz,
            ("readyz", None, None) => Self::Readyz,
            ("problems", Some(code), None) => Self::Problem(code),
            ("", None, None) => Self::Page("index.html"),
            ("assets", Some(file), None) => Self::Page(file),
            _ => return None,
        };
        segments.next().is_none().then_some(resource)
    }

    /// The methods it allows, as the `Allow` header lists them (RFC 9110 §10.2.1).
    const fn allow(self) -> &'static str {
        match self {
            Self::Orders => "GET, HEAD, POST, OPTIONS",
            Self::Status(_) => "GET, HEAD, DELETE, OPTIONS",
            Self::Order(_) | Self::Healthz | Self::Readyz | Self::Problem(_) | Self::Page(_) => {
                "GET, HEAD, OPTIONS"
            }
        }
    }
}

/// The request, from a caller who may make it.
async fn call(request: Request) -> Result<Call, Problem> {
    let app = App::get().await?;
    let owner = auth::owner(&app.tokens, request.header("authorization").as_deref())?;
    Ok(Call {
        app,
        owner,
        request,
    })
}

fn options(resource: Resource<'_>) -> Response {
    Response::new(204).header("allow", resource.allow())
}

/// What is no id names no order.
fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::order_not_found(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_names_one_resource() {
        assert_eq!(Resource::at("/orders"), Some(Resource::Orders));
        assert_eq!(
            Resource::at("/orders/status/7"),
            Some(Resource::Status("7"))
        );
        assert_eq!(Resource::at("/orders/7"), Some(Resource::Order("7")));
        assert_eq!(Resource::at("/healthz"), Some(Resource::Healthz));
        for path in [
            "",
            "/orders/status/7/8",
            "/orders/7/8",
            "/healthz/",
            "orders",
            "/assets",
        ] {
            assert_eq!(Resource::at(path), None, "`{path}`");
        }
    }
}
