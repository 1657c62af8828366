//! The origin of a URL (RFC 6454 §4), by which the URLs that others name are compared with those that may be
//! reached.

use std::net::Ipv6Addr;

/// The longest URL that is taken from others, in bytes.
const URL_BYTES_MAX: usize = 2_048;

/// The origin of a URL that a request may be sent to on behalf of somebody else, in lower case and without
/// the port that its scheme has anyway.
///
/// `None` if it is no URL of `http` or `https` by the letter, is longer than 2,048 bytes, or has a user or a
/// fragment: what one reader may take for something else than another is not passed on.
pub fn http_origin(url: &str) -> Option<String> {
    let is_printable = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_printable || url.len() > URL_BYTES_MAX || url.contains(['#', '\\']) {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let port_of_scheme = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let bracket = authority.rfind(']').map(|bracket| bracket + 1);
    let end = bracket.or_else(|| authority.find(':'));
    let (host, port) = authority.split_at(end.unwrap_or(authority.len()));
    if !is_host(host) {
        return None;
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => port_of_scheme,
        None => return None,
        Some(digits) if digits.starts_with('+') => return None,
        Some(digits) => digits.parse::<u16>().ok().filter(|port| *port > 0)?,
    };
    let host = host.to_ascii_lowercase();
    Some(if port == port_of_scheme {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}:{port}")
    })
}

/// A name or an address (RFC 3986 §3.2.2).
fn is_host(host: &str) -> bool {
    let in_brackets = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match in_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port_that_is_not_the_schemes() {
        for (url, origin) in [
            ("https://a.example", "https://a.example"),
            ("https://A.Example:443/hook?a=b@c", "https://a.example"),
            ("http://a.example:8080/", "http://a.example:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(http_origin(url).as_deref(), Some(origin), "`{url}`");
        }
    }

    #[test]
    fn what_may_be_read_in_two_ways_has_none() {
        for url in [
            "",
            "a.example",
            "HTTPS://a.example",
            "ftp://a.example",
            "https://",
            "https:///hook",
            "https://user@a.example",
            "https://a.example:443@b.example",
            "https://a.example#hook",
            "https://a.example/#hook",
            "https://a.example?hook",
            "https://a.example\\@b.example/",
            "https://a.example:",
            "https://a.example:0",
            "https://a.example:+443",
            "https://a.example:65536",
            "https://[::g]",
            "https://[::1]x",
            "https://a b.example",
            "https://é.example",
        ] {
            assert_eq!(http_origin(url), None, "`{url}`");
        }
        let long = format!("https://a.example/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(http_origin(&long), None);
    }
}
