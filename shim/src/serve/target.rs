//! What a request is for, by its request line and `Host` (RFC 9112, section 3), and whether its
//! body can be read.

use super::problem::Problem;
use http::header::{HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::{Authority, Scheme};
use http::{Uri, Version, request};

/// Completes the URI as the client meant it, or says why there is none.
///
/// A server is sent a path, and a `Host` header beside it; components are not shown that header,
/// and read the host from the URI. Before HTTP/1.1 no host need be named: then it is `address`.
pub(super) fn complete(parts: &mut request::Parts, address: &Authority) -> Result<(), Problem> {
    check_transfer_codings(&parts.headers)?;
    let named = named_host(&parts.headers)?;
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    // A URI that names its host itself wins (section 3.2.2), but the header must be there.
    if let Some(target) = &uri.authority {
        check(target)?;
    }
    let host = match named {
        Some(host) => host,
        None if parts.version < Version::HTTP_11 => address.clone(),
        None => return Err(Problem::BadHost),
    };
    uri.authority.get_or_insert(host);
    uri.scheme = Some(Scheme::HTTP);
    parts.uri = Uri::from_parts(uri).map_err(|_| Problem::BadHost)?;
    Ok(())
}

/// The one host that the headers name, if they name any.
fn named_host(headers: &HeaderMap) -> Result<Option<Authority>, Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Problem::BadHost);
    }
    let Some(host) = host else { return Ok(None) };
    let host = Authority::try_from(host.as_bytes()).map_err(|_| Problem::BadHost)?;
    check(&host)?;
    Ok(Some(host))
}

/// A host, and a port that is a number or left out: no user (RFC 9110, section 4.2.4).
fn check(authority: &Authority) -> Result<(), Problem> {
    let host = authority.host();
    let rest = authority.as_str().strip_prefix(host);
    let port_is_valid = match rest {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix(':')
            .is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok()),
        None => false,
    };
    if host.is_empty() || !port_is_valid {
        return Err(Problem::BadHost);
    }
    Ok(())
}

/// `chunked` is the one transfer coding that is understood (section 6.1).
fn check_transfer_codings(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let are_known = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    if are_known {
        Ok(())
    } else {
        Err(Problem::UnknownCoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};

    fn completed(version: Version, uri: &str, hosts: &[&str]) -> Result<String, Problem> {
        let request = Request::builder().version(version).uri(uri).body(());
        let (mut parts, ()) = request.expect("a valid request").into_parts();
        for host in hosts {
            let host = HeaderValue::from_str(host).expect("a valid value");
            parts.headers.append(HOST, host);
        }
        complete(&mut parts, &Authority::from_static("192.0.2.1:80"))?;
        Ok(parts.uri.to_string())
    }

    fn uri(uri: &str, hosts: &[&str]) -> Result<String, Problem> {
        completed(Version::HTTP_11, uri, hosts)
    }

    #[test]
    fn the_host_header_completes_the_uri() {
        assert_eq!(
            uri("/orders?x=1", &["example.com:8080"]).as_deref(),
            Ok("http://example.com:8080/orders?x=1")
        );
        assert_eq!(
            uri("http://a.test/x", &["b.test"]).as_deref(),
            Ok("http://a.test/x")
        );
        assert_eq!(uri("/", &["[::1]:80"]).as_deref(), Ok("http://[::1]:80/"));
    }

    #[test]
    fn before_http_1_1_no_host_need_be_named() {
        assert_eq!(
            completed(Version::HTTP_10, "/x", &[]).as_deref(),
            Ok("http://192.0.2.1:80/x")
        );
        assert_eq!(
            completed(Version::HTTP_10, "/x", &["a.test"]).as_deref(),
            Ok("http://a.test/x")
        );
    }

    #[test]
    fn a_request_without_exactly_one_valid_host_is_refused() {
        for hosts in [
            &[][..],
            &["a.test", "b.test"],
            &["not a host"],
            &[""],
            &["user@evil.test"],
            &["a.test:port"],
            &["a.test:99999"],
        ] {
            assert_eq!(uri("/", hosts), Err(Problem::BadHost), "{hosts:?}");
            assert_eq!(uri("http://c.test/", hosts), Err(Problem::BadHost));
        }
        assert_eq!(
            uri("http://user@c.test/", &["c.test"]),
            Err(Problem::BadHost)
        );
    }

    #[test]
    fn a_body_in_an_unknown_coding_is_not_read() {
        let checked = |codings: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for coding in codings {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(coding));
            }
            check_transfer_codings(&headers)
        };
        assert_eq!(checked(&["Chunked"]), Ok(()));
        assert_eq!(checked(&["gzip, chunked"]), Err(Problem::UnknownCoding));
        assert_eq!(checked(&["gzip", "chunked"]), Err(Problem::UnknownCoding));
    }
}
