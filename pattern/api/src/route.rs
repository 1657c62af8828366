//! The route table: which resources there are, and what may be done to each.

use guest::{Request, Response};
use protocol::OrderId;
use work::Work;

use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::{
    auth, cancel, cors, health, history, openapi, page, problem, processor, result, status, submit,
    sweep,
};

/// Answers any request to the app `W`, whose collection is called as nothing else is that is served: this
/// is seen when the app is compiled.
pub async fn answer<W: Work>(request: Request) -> Response {
    const {
        assert!(
            is_collection(W::COLLECTION),
            "`Work::COLLECTION` must be lower-case letters, digits and hyphens, from a letter on, and none of `assets`, `configz`, `healthz`, `problems` and `readyz`, which are served beside it"
        );
    }
    // Several are no origin, and get no grant.
    let origin = request.header("origin").ok().flatten();
    let response = match answer_resource::<W>(request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    sweep::after_response::<W>();
    let Some(origin) = origin else {
        return response;
    };
    match App::get::<W>().await {
        Ok(app) => cors::grant(response, &app.settings.origins, &origin),
        Err(_) => response,
    }
}

/// What is served beside the collection.
const TAKEN: [&str; 5] = ["assets", "configz", "healthz", "problems", "readyz"];

/// Whether a collection may be called that: a segment of a path that is nobody else's, and need not be
/// encoded.
const fn is_collection(name: &str) -> bool {
    let name = name.as_bytes();
    let mut index = 0;
    while index < name.len() {
        match name[index] {
            b'a'..=b'z' => {}
            b'0'..=b'9' | b'-' if index > 0 => {}
            _ => return false,
        }
        index += 1;
    }
    let mut other = 0;
    while other < TAKEN.len() {
        if is_same(name, TAKEN[other].as_bytes()) {
            return false;
        }
        other += 1;
    }
    !name.is_empty()
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    one.len() == other.len()
}

async fn answer_resource<W: Work>(request: Request) -> Result<Response, Problem> {
    let target = normalized(&request.target());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let resource = Resource::at(path, W::COLLECTION).ok_or_else(|| Problem::not_found(path))?;
    let method = request.method();
    // RFC 9110 §9.3.2: HEAD is GET without the body, which the server leaves out.
    let method = if method == "HEAD" {
        "GET"
    } else {
        method.as_str()
    };
    match (resource, method) {
        (Resource::Orders, "POST") => submit::post::<W>(workable_call::<W>(request).await?).await,
        (Resource::Orders, "GET") => history::get::<W>(call::<W>(request).await?, query).await,
        (Resource::Status(id), "GET") => {
            status::get::<W>(call::<W>(request).await?, order_id(id)?).await
        }
        (Resource::Status(id), "DELETE") => {
            cancel::delete::<W>(call::<W>(request).await?, order_id(id)?).await
        }
        (Resource::Order(id), "GET") => {
            result::get::<W>(call::<W>(request).await?, order_id(id)?).await
        }
        (Resource::Healthz, "GET") => Ok(health::alive()),
        (Resource::Readyz, "GET") => health::ready::<W>().await,
        (Resource::Configz, "GET") => health::configured::<W>().await,
        (Resource::Page(file), "GET") => {
            page::get(file, &request).ok_or_else(|| Problem::not_found(path))
        }
        (Resource::Problem(code), "GET") => {
            problem::page(code).ok_or_else(|| Problem::not_found(path))
        }
        (Resource::OpenApi, "GET") => Ok(openapi::get::<W>(&request).await),
        (resource, "OPTIONS") => Ok(options(resource)),
        (resource, method) => Err(Problem::method_not_allowed(method, resource.allow())),
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource<'a> {
    /// `/orders`, or what the collection is called, as in the following two
    Orders,
    /// `/orders/status/{id}`
    Status(&'a str),
    /// `/orders/{id}`
    Order(&'a str),
    /// `/healthz`
    Healthz,
    /// `/readyz`
    Readyz,
    /// `/configz`
    Configz,
    /// `/problems/{code}`
    Problem(&'a str),
    /// `/` and `/assets/{file}`
    Page(&'a str),
    /// `/openapi.json`
    OpenApi,
}

impl<'a> Resource<'a> {
    fn at(path: &'a str, collection: &str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let resource = match (segments.next()?, segments.next(), segments.next()) {
            ("healthz", None, None) => Self::Healthz,
            ("readyz", None, None) => Self::Readyz,
            ("configz", None, None) => Self::Configz,
            ("problems", Some(code), None) => Self::Problem(code),
            ("", None, None) => Self::Page("index.html"),
            ("assets", Some(file), None) => Self::Page(file),
            ("openapi.json", None, None) => Self::OpenApi,
            (name, None, None) if name == collection => Self::Orders,
            (name, Some("status"), Some(id)) if name == collection => Self::Status(id),
            (name, Some(id), None) if name == collection => Self::Order(id),
            _ => return None,
        };
        segments.next().is_none().then_some(resource)
    }

    /// The methods it allows, as the `Allow` header lists them (RFC 9110 §10.2.1).
    const fn allow(self) -> &'static str {
        match self {
            Self::Orders => "GET, HEAD, POST, OPTIONS",
            Self::Status(_) => "GET, HEAD, DELETE, OPTIONS",
            Self::Order(_)
            | Self::Healthz
            | Self::Readyz
            | Self::Configz
            | Self::Problem(_)
            | Self::Page(_)
            | Self::OpenApi => "GET, HEAD, OPTIONS",
        }
    }
}

/// The request, from a caller who may make it.
async fn call<W: Work>(request: Request) -> Result<Call, Problem> {
    let app = App::get::<W>().await?;
    let owner = auth::owner(
        &app.settings.tokens,
        request.header("authorization")?.as_deref(),
    )?;
    Ok(Call {
        app,
        owner,
        request,
    })
}

/// The same, where what is asked for can be worked on.
async fn workable_call<W: Work>(request: Request) -> Result<Call, Problem> {
    let call = call::<W>(request).await?;
    processor::check(&call.app.settings.processor_url).await?;
    Ok(call)
}

fn options(resource: Resource<'_>) -> Response {
    Response::new(204).header("allow", resource.allow())
}

/// RFC 3986 §6.2.2.2: a character that needs no percent-encoding means the same with it.
fn normalized(target: &str) -> String {
    let mut parts = target.split('%');
    let mut normalized = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| !digits.starts_with('+'));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.map(char::from) {
            Some(byte) if byte.is_ascii_alphanumeric() || "-._~".contains(byte) => {
                normalized.push(byte);
                normalized.push_str(&part[2..]);
            }
            _ => {
                normalized.push('%');
                normalized.push_str(part);
            }
        }
    }
    normalized
}

/// What is no id names no order.
fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::order_not_found(text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_path_names_one_resource() {
        assert_eq!(Resource::at("/orders", "orders"), Some(Resource::Orders));
        assert_eq!(
            Resource::at("/orders/status/7", "orders"),
            Some(Resource::Status("7"))
        );
        assert_eq!(
            Resource::at("/orders/7", "orders"),
            Some(Resource::Order("7"))
        );
        assert_eq!(Resource::at("/healthz", "orders"), Some(Resource::Healthz));
        for path in [
            "",
            "/orders/status/7/8",
            "/orders/7/8",
            "/healthz/",
            "orders",
            "/assets",
        ] {
            assert_eq!(Resource::at(path, "orders"), None, "`{path}`");
        }
    }

    #[test]
    fn a_collection_is_a_segment_that_nothing_else_has() {
        for name in ["reports", "a", "a-1", "health", "healthzz"] {
            assert!(is_collection(name), "`{name}`");
        }
        for name in ["", "Reports", "1", "-a", "a/b", "a b", "é"] {
            assert!(!is_collection(name), "`{name}`");
        }
        let first = |path: &'static str| path.split('/').nth(1).unwrap_or_default();
        for path in PATHS.iter().filter(|path| !path.starts_with("/orders")) {
            let collection = first(path);
            assert!(!is_collection(collection), "`{path}`");
        }
    }

    #[test]
    fn only_what_needs_no_encoding_is_decoded() {
        for (target, expected) in [
            ("/%6Frders/%30%41%7e?limit=%31", "/orders/0A~?limit=1"),
            ("/orders%2F7%3Fa%20b%C3%A9", "/orders%2F7%3Fa%20b%C3%A9"),
            ("/%2561%", "/%2561%"),
            ("/%6%+6%é1%zz", "/%6%+6%é1%zz"),
        ] {
            assert_eq!(normalized(target), expected);
        }
    }

    /// Each resource's path, in a list and as a function that does not compile without one of them.
    macro_rules! paths {
        ($($resource:pat => $path:literal,)*) => {
            const PATHS: &[&str] = &[$($path),*];

            fn path_of(resource: Resource<'_>) -> &'static str {
                match resource { $($resource => $path,)* }
            }
        };
    }

    paths! {
        Resource::Orders => "/orders",
        Resource::Status(_) => "/orders/status/{id}",
        Resource::Order(_) => "/orders/{id}",
        Resource::Healthz => "/healthz",
        Resource::Readyz => "/readyz",
        Resource::Configz => "/configz",
        Resource::Problem(_) => "/problems/{code}",
        Resource::Page("index.html") => "/",
        Resource::Page(_) => "/assets/{file}",
        Resource::OpenApi => "/openapi.json",
    }

    #[test]
    fn the_openapi_document_has_each_path_and_method_and_no_other() {
        let document = openapi::document();
        let documented = document["paths"].as_object().expect("paths");
        let paths: BTreeSet<_> = documented.keys().map(String::as_str).collect();
        assert_eq!(paths, PATHS.iter().copied().collect());
        for (path, operations) in documented {
            let resource = Resource::at(path, "orders").expect("a path that is routed");
            assert_eq!(path_of(resource), path);
            let operations = operations.as_object().expect("operations");
            let methods: BTreeSet<_> = operations
                .keys()
                .filter(|key| *key != "parameters")
                .map(|method| method.to_uppercase())
                .collect();
            let allowed = resource.allow().split(", ").map(str::to_owned);
            assert_eq!(methods, allowed.collect(), "`{path}`");
        }
    }
}
