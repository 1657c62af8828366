//! Cross-origin requests (the Fetch standard's CORS protocol), for the origins that `cors_origins` lists.

use guest::Response;

/// What scripts of another origin may read of a response.
const EXPOSED: &str = "Location, Operation-Location, Retry-After, ETag, Preference-Applied, Link, \
     Idempotency-Replayed";
/// What scripts of another origin may send.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-None-Match, \
     Last-Event-ID, Notify-Url, Prefer, Traceparent, Tracestate, Baggage";
/// How long a browser may remember the answer to a preflight request, in seconds.
const PREFLIGHT_SECONDS: &str = "600";

/// The origins whose scripts may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Reads the variable `cors_origins`: origins separated by commas, or `*` for every one.
    pub fn parse(variable: &str) -> Self {
        Self(
            variable
                .split(',')
                .map(str::trim)
                .filter(|origin| !origin.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// What `Access-Control-Allow-Origin` says to `origin`.
    fn allowed(&self, origin: &str) -> Option<String> {
        if self.0.iter().any(|listed| listed == "*") {
            return Some("*".to_owned());
        }
        self.0
            .iter()
            .find(|listed| listed.as_str() == origin)
            .cloned()
    }
}

/// Lets scripts of `origin` have the response, if they may. An origin that is not listed gets no header.
pub fn grant(response: Response, origins: &Origins, origin: &str) -> Response {
    // Caches must keep the answers to different origins apart.
    let response = response.vary("Origin");
    let Some(allowed) = origins.allowed(origin) else {
        return response;
    };
    let response = response
        .header("access-control-allow-origin", allowed)
        .header("access-control-expose-headers", EXPOSED);
    if response.status() != PREFLIGHT_STATUS {
        return response;
    }
    response
        .header("access-control-allow-methods", "GET, HEAD, POST, DELETE")
        .header("access-control-allow-headers", ALLOWED_HEADERS)
        .header("access-control-max-age", PREFLIGHT_SECONDS)
}

/// The status of the answer to OPTIONS, which is what a preflight request is.
const PREFLIGHT_STATUS: u16 = 204;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_are_allowed() {
        let origins = Origins::parse("https://a.example, https://b.example");
        assert_eq!(
            origins.allowed("https://b.example").as_deref(),
            Some("https://b.example")
        );
        assert_eq!(origins.allowed("https://c.example"), None);
        assert_eq!(Origins::parse("").allowed("https://a.example"), None);
        assert_eq!(
            Origins::parse("*").allowed("https://a.example").as_deref(),
            Some("*")
        );
    }
}
