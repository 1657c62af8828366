//! Where clients reach this service: the base of absolute links.

use std::net::Ipv6Addr;

use guest::Request;

/// What the variable `public_url` must be, for the sentence that refuses it.
const EXPECTED: &str =
    "must be empty, or an `http://` or `https://` URL without query and fragment";

/// Reads the variable `public_url`: empty, or a URL to whose end paths are put.
///
/// # Errors
/// With a sentence, if it is neither.
pub fn parse(variable: &str) -> Result<Option<String>, String> {
    let url = variable.trim().trim_end_matches('/');
    if variable.trim().is_empty() {
        return Ok(None);
    }
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let is_url = rest.is_some_and(|rest| {
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        is_host(host) && is_path(path)
    });
    if is_url {
        Ok(Some(url.to_owned()))
    } else {
        Err(format!(
            "the variable `public_url` {EXPECTED}, found `{variable}`"
        ))
    }
}

/// The base of absolute links in the answer to `request`: `public_url` if that is set, else what
/// the request and the proxies on its way say.
pub fn base(public_url: Option<&str>, request: &Request) -> Option<String> {
    if let Some(public_url) = public_url {
        return Some(public_url.to_owned());
    }
    let header = |name| request.list_header(name);
    Some(Forwarded::read(header).base(&request.origin()?))
}

/// What the proxy nearest to the client saw of the request. A client that says it itself can only
/// mislead itself, and only where no proxy says it anew.
#[derive(Debug, Default, PartialEq, Eq)]
struct Forwarded {
    scheme: Option<&'static str>,
    host: Option<String>,
    prefix: Option<String>,
}

impl Forwarded {
    /// Reads `Forwarded` (RFC 7239), and the headers that were there before it. What makes no sense
    /// is as good as absent.
    fn read(header: impl Fn(&'static str) -> Option<String>) -> Self {
        let forwarded = header("forwarded").unwrap_or_default();
        let parameter = |name| parameter_of_first(&forwarded, name);
        let older = |name| {
            let list = header(name)?;
            list.split(',').next().map(|first| first.trim().to_owned())
        };
        let scheme = parameter("proto").or_else(|| older("x-forwarded-proto"));
        let host = parameter("host").or_else(|| older("x-forwarded-host"));
        let prefix = older("x-forwarded-prefix");
        let prefix = prefix.map(|prefix| prefix.trim_end_matches('/').to_owned());
        Self {
            scheme: scheme.and_then(|name| scheme_named(&name)),
            host: host.filter(|host| is_host(host)),
            prefix: prefix.filter(|prefix| is_path(prefix)),
        }
    }

    /// `origin`, as it looked to the client.
    fn base(self, origin: &str) -> String {
        let (scheme, host) = origin.split_once("://").unwrap_or(("http", origin));
        let scheme = self.scheme.unwrap_or(scheme);
        let host = self.host.as_deref().unwrap_or(host);
        let prefix = self.prefix.unwrap_or_default();
        format!("{scheme}://{host}{prefix}")
    }
}

fn scheme_named(name: &str) -> Option<&'static str> {
    ["https", "http"]
        .into_iter()
        .find(|scheme| name.eq_ignore_ascii_case(scheme))
}

/// A parameter of the first element of a `Forwarded` header, without the quotes that it may have.
fn parameter_of_first(forwarded: &str, name: &str) -> Option<String> {
    // No value that is believed has a comma or a semicolon in it, quoted or not.
    let first = forwarded.split(',').next()?;
    first.split(';').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (found.trim().eq_ignore_ascii_case(name)).then(|| value.to_owned())
    })
}

/// A name or an address, with or without a port (RFC 3986 §3.2).
fn is_host(host: &str) -> bool {
    let bracket = host.rfind(']').map(|bracket| bracket + 1);
    let end = bracket.or_else(|| host.find(':')).unwrap_or(host.len());
    let (name, port) = host.split_at(end);
    let in_brackets = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_name = match in_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !name.is_empty() && consists_of(name, "-._~"),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    is_name && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// Nothing, or a path (RFC 3986 §3.3) that cannot be taken for a host.
fn is_path(path: &str) -> bool {
    let is_absolute = path.is_empty() || (path.starts_with('/') && !path.starts_with("//"));
    is_absolute && consists_of(path, "/-._~!$&'()*+,;=:@")
}

/// Whether `text` is of letters, digits and `others`.
fn consists_of(text: &str, others: &str) -> bool {
    text.chars()
        .all(|char| char.is_ascii_alphanumeric() || others.contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(headers: &[(&str, &str)]) -> String {
        let header = |name| {
            let found = headers.iter().find(|(header, _)| *header == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Forwarded::read(header).base("http://10.0.0.7:8080")
    }

    #[test]
    fn links_are_for_where_the_client_is() {
        assert_eq!(base(&[]), "http://10.0.0.7:8080");
        let proxied = [
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "shop.example:8443, inner"),
            ("x-forwarded-prefix", "/api/"),
        ];
        assert_eq!(base(&proxied), "https://shop.example:8443/api");
        for forwarded in [
            "for=192.0.2.1;proto=https;host=shop.example, for=10.0.0.1;proto=http;host=inner",
            "Host=\"shop.example\"; Proto=HTTPS",
        ] {
            let both = [("forwarded", forwarded), ("x-forwarded-proto", "http")];
            assert_eq!(base(&both), "https://shop.example", "`{forwarded}`");
        }
        let ipv6 = [("forwarded", "host=\"[2001:db8::1]:8080\"")];
        assert_eq!(base(&ipv6), "http://[2001:db8::1]:8080");
    }

    #[test]
    fn what_makes_no_sense_is_not_repeated() {
        for (name, value) in [
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-proto", ""),
            ("x-forwarded-host", "evil.example/path"),
            ("x-forwarded-host", "user@evil.example"),
            ("x-forwarded-host", ""),
            ("x-forwarded-host", "[::g]"),
            ("x-forwarded-host", "shop.example:http"),
            ("x-forwarded-host", "a b"),
            ("x-forwarded-prefix", "//evil.example"),
            ("x-forwarded-prefix", "api"),
            ("x-forwarded-prefix", "/?a"),
            ("forwarded", "host="),
            ("forwarded", ";;=,"),
        ] {
            assert_eq!(
                base(&[(name, value)]),
                "http://10.0.0.7:8080",
                "`{name}: {value}`"
            );
        }
    }

    #[test]
    fn a_public_url_is_empty_or_a_base() {
        assert_eq!(parse(" "), Ok(None));
        for url in ["https://shop.example", "http://127.0.0.1:3000/api"] {
            assert_eq!(parse(url), Ok(Some(url.to_owned())));
            assert_eq!(parse(&format!("{url}/")), Ok(Some(url.to_owned())));
        }
        for url in [
            "shop.example",
            "ftp://shop.example",
            "https://",
            "https://shop.example/?a=1",
            "https://shop.example/#a",
            "https://user@shop.example",
        ] {
            assert!(parse(url).is_err(), "`{url}`");
        }
    }
}
