//! Cross-origin requests (the Fetch standard's CORS protocol), for the answers that the host gives
//! in a component's place: scripts may read them where they may read the component's.

use http::HeaderMap;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue, VARY};

/// The component's variable that lists the origins, as `api-component/src/cors.rs` reads it.
pub(super) const VARIABLE: &str = "cors_origins";

/// As the component has it, so that its answers and the host's look alike.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Location, Operation-Location, Retry-After, ETag, Preference-Applied, Link, Idempotency-Replayed",
);

/// The origins whose scripts may read.
pub(super) struct Origins(Vec<String>);

impl Origins {
    /// Reads the variable: origins separated by commas, or `*` for every one.
    pub(super) fn parse(variable: &str) -> Self {
        let origins = variable.split(',').map(str::trim);
        Self(
            origins
                .filter(|origin| !origin.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Lets scripts of `origin` have the answer with these `headers`, if they may.
    pub(super) fn grant(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        let allowed = if self.0.iter().any(|listed| listed == "*") {
            HeaderValue::from_static("*")
        } else if self
            .0
            .iter()
            .any(|listed| listed.as_bytes() == origin.as_bytes())
        {
            origin.clone()
        } else {
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(variable: &str, origin: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        Origins::parse(variable).grant(&HeaderValue::from_static(origin), &mut headers);
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN)
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        let listed = "https://a.example, https://b.example";
        assert_eq!(
            allowed(listed, "https://b.example"),
            Some(HeaderValue::from_static("https://b.example"))
        );
        assert_eq!(allowed(listed, "https://c.example"), None);
        assert_eq!(allowed("", "https://a.example"), None);
        assert_eq!(
            allowed("*", "https://a.example"),
            Some(HeaderValue::from_static("*"))
        );
    }
}
