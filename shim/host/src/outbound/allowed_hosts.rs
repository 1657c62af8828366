//! `allowed_outbound_hosts`: which origins a component may send requests to, by Spin's rules.

use http::Uri;
use std::net::IpAddr;
use std::ops::Range;

/// The suffix of the hosts that stand for components of the same app.
const CHAINING_SUFFIX: &str = ".spin.internal";

/// What one component may reach. Empty, and so nothing, unless the manifest grants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Grant>);

/// One entry: `scheme://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    /// `None`: any.
    scheme: Option<String>,
    host: Host,
    ports: Ports,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// With the leading dot.
    Subdomains(String),
    Name(String),
    Address(IpAddr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ports {
    Any,
    Within(Range<u32>),
}

impl AllowedHosts {
    /// Adds an entry whose template was filled in, or says what is wrong with it.
    ///
    /// An entry that came out empty because its variable is empty grants nothing, so that an
    /// endpoint can be optional.
    pub fn add(&mut self, entry: &str) -> Result<(), String> {
        if !matches!(entry, "" | "http://" | "https://") {
            self.0.push(Grant::parse(entry.trim())?);
        }
        Ok(())
    }

    /// Whether a request to `uri` is granted.
    pub fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return false;
        };
        let Some(port) = uri.port_u16().or_else(|| well_known_port(scheme)) else {
            return false;
        };
        self.0.iter().any(|grant| grant.allows(scheme, host, port))
    }

    /// The hosts of the form `ID.spin.internal` that this names, by their `ID`.
    pub fn chained_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|grant| match &grant.host {
            Host::Name(name) => name.strip_suffix(CHAINING_SUFFIX),
            _ => None,
        })
    }
}

/// The component that a request is for, if its host stands for one.
pub(super) fn chained_component(uri: &Uri) -> Option<&str> {
    uri.host()?.strip_suffix(CHAINING_SUFFIX)
}

impl Grant {
    fn parse(entry: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = entry.split_once("://") else {
            return Err("has no scheme; write it as `scheme://host[:port]`".to_owned());
        };
        let scheme = match scheme {
            "*" => None,
            name if !name.is_empty() && name.chars().all(char::is_alphabetic) => {
                Some(name.to_owned())
            }
            _ => {
                return Err(
                    "has a scheme that is neither a word nor `*`; use `http` or `https`".to_owned(),
                );
            }
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('/') {
            return Err("has a path or an address range; name a host and a port alone".to_owned());
        }
        let (host, ports) = split_port(rest);
        let ports = if let Some(ports) = ports {
            Ports::parse(ports)?
        } else {
            let port = scheme
                .as_deref()
                .and_then(well_known_port)
                .ok_or("has no port, and its scheme no known one; add `:PORT` or `:*`")?;
            Ports::one(port)
        };
        Ok(Self {
            scheme,
            host: Host::parse(host)?,
            ports,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.scheme
            .as_deref()
            .is_none_or(|granted| granted == scheme)
            && self.ports.contains(port)
            && self.host.allows(host)
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self, String> {
        if host == "*" {
            return Ok(Self::Any);
        }
        if matches!(host, "self" | "self.alt") {
            return Err("grants requests to the app itself, which this host does not know; name a component's `ID.spin.internal`".to_owned());
        }
        if let Some(address) = parse_address(host) {
            return Ok(Self::Address(address));
        }
        let (suffix, name) = match host.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, host),
        };
        let plausible =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if name.is_empty() || !name.bytes().all(plausible) {
            return Err("has no valid host; write a name, an address, or `*.name`".to_owned());
        }
        let name = name.to_ascii_lowercase();
        Ok(if suffix {
            Self::Subdomains(format!(".{name}"))
        } else {
            Self::Name(name)
        })
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Subdomains(suffix) => {
                // Case matters in neither, and an address has no subdomains.
                host.len() > suffix.len()
                    && host.is_char_boundary(host.len() - suffix.len())
                    && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
                    && parse_address(host).is_none()
            }
            Self::Name(name) => host.eq_ignore_ascii_case(name),
            Self::Address(address) => parse_address(host) == Some(*address),
        }
    }
}

impl Ports {
    fn parse(ports: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u16>().map_err(|_| {
                format!("has port `{text}`, which is no port; write a number, `FROM..TO` or `*`")
            })
        };
        Ok(match ports.split_once("..") {
            _ if ports == "*" => Self::Any,
            // Without the end, as in Spin.
            Some((from, to)) => Self::Within(number(from)?.into()..number(to)?.into()),
            None => Self::one(number(ports)?),
        })
    }

    fn one(port: u16) -> Self {
        Self::Within(port.into()..u32::from(port) + 1)
    }

    fn contains(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Within(range) => range.contains(&port.into()),
        }
    }
}

/// Splits `host:port`; the colons inside a bracketed address are not the separator.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, Some(port).filter(|port| !port.is_empty()))
        }
        _ => (authority, None),
    }
}

fn parse_address(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
        .parse()
        .ok()
}

fn well_known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, uri: &str) -> bool {
        let mut hosts = AllowedHosts::default();
        hosts.add(entry).expect("a valid entry");
        hosts.allows(&uri.parse().expect("a valid URI"))
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert!(!AllowedHosts::default().allows(&Uri::from_static("http://localhost/")));
    }

    #[test]
    fn a_grant_holds_for_its_scheme_host_and_port_alone() {
        assert!(allows(
            "http://example.com",
            "http://example.com/any/path?q"
        ));
        assert!(allows("http://example.com/", "http://EXAMPLE.com:80/"));
        assert!(!allows("http://example.com", "https://example.com/"));
        assert!(!allows("http://example.com", "http://example.com:8080/"));
        assert!(!allows(
            "http://example.com",
            "http://example.com.evil.test/"
        ));
        assert!(!allows("http://example.com", "http://sub.example.com/"));
        assert!(!allows("http://example.com", "http://user@evil.test/"));
        assert!(allows("http://127.0.0.1:9000", "http://127.0.0.1:9000/"));
        assert!(allows("http://[::1]:9000", "http://[::1]:9000/"));
        assert!(!allows("http://[::1]:9000", "http://[::2]:9000/"));
    }

    #[test]
    fn wildcards_stand_for_schemes_subdomains_and_ports() {
        assert!(allows("*://*:*", "https://anything.test:1234/"));
        assert!(allows("https://*.example.com", "https://a.b.example.com/"));
        assert!(!allows("https://*.example.com", "https://example.com/"));
        assert!(!allows("https://*.example.com", "https://badexample.com/"));
        assert!(allows(
            "http://example.com:8000..8002",
            "http://example.com:8001/"
        ));
        assert!(!allows(
            "http://example.com:8000..8002",
            "http://example.com:8002/"
        ));
    }

    #[test]
    fn an_entry_that_came_out_empty_grants_nothing() {
        let mut hosts = AllowedHosts::default();
        hosts.add("").expect("empty is fine");
        hosts.add("https://").expect("empty is fine");
        assert_eq!(hosts, AllowedHosts::default());
    }

    #[test]
    fn entries_that_spin_refuses_are_refused() {
        for entry in [
            "example.com",
            "*",
            "http://example.com/path",
            "http://a*b.com",
            "ftp://example.com",
            "http://example.com:port",
            "http://",
            "{http,https}://example.com",
            "http://10.0.0.0/8",
        ] {
            let refused = Grant::parse(entry).is_err();
            assert!(refused, "`{entry}` was accepted");
        }
    }

    #[test]
    fn components_are_reached_by_name_or_wildcard() {
        let mut hosts = AllowedHosts::default();
        hosts.add("http://*.spin.internal").expect("valid");
        let uri = Uri::from_static("http://processor.spin.internal/orders/1");
        assert!(hosts.allows(&uri));
        assert_eq!(chained_component(&uri), Some("processor"));
        assert_eq!(
            chained_component(&Uri::from_static("http://spin.internal/")),
            None
        );
    }
}
