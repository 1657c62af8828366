//! What a proxy says of the client that it speaks for. Only proxies that are trusted are listened
//! to: anybody else could say anything.

use http::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::IpAddr;

/// The addresses that a request came through, each proxy adding the one that it heard.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The headers by which proxies speak begin so, but for `Forwarded` (RFC 7239).
const PREFIX: &str = "x-forwarded-";

/// The networks of the proxies that are trusted.
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(super) fn new(trusted: Vec<IpNet>) -> Self {
        Self(trusted)
    }

    /// Whether what comes from `peer` comes from a proxy.
    pub(super) fn trust(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// The client of a request that `peer` sent. From a peer that is no proxy, `headers` lose what
    /// only a proxy may say.
    pub(super) fn client(&self, peer: IpAddr, headers: &mut HeaderMap) -> IpAddr {
        if !self.trust(peer) {
            remove_claims(headers);
            return peer;
        }
        let lists = headers.get_all(FORWARDED_FOR).iter();
        let addresses: Vec<_> = lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(|address| address.trim().parse::<IpAddr>())
            .collect();
        // From the nearest on, up to the first that is no proxy; what is before that one it may
        // have made up.
        let mut client = peer;
        for address in addresses.into_iter().rev() {
            let Ok(address) = address else { break };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        client
    }
}

fn remove_claims(headers: &mut HeaderMap) {
    let claims = |name: &HeaderName| *name == FORWARDED || name.as_str().starts_with(PREFIX);
    let names: Vec<_> = headers
        .keys()
        .filter(|name| claims(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn client(peer: &str, forwarded_for: &'static str) -> (String, HeaderMap) {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        let mut headers = HeaderMap::from_iter([
            (FORWARDED_FOR, HeaderValue::from_static(forwarded_for)),
            (FORWARDED, HeaderValue::from_static("host=evil.test")),
            (
                HeaderName::from_static("x-forwarded-host"),
                HeaderValue::from_static("evil.test"),
            ),
        ]);
        let peer = peer.parse().expect("an address");
        let client = proxies.client(peer, &mut headers);
        (client.to_string(), headers)
    }

    #[test]
    fn who_is_no_proxy_speaks_for_itself() {
        let (client, headers) = client("192.0.2.1", "198.51.100.7");
        assert_eq!(client, "192.0.2.1");
        assert!(headers.is_empty(), "{headers:?}");
    }

    #[test]
    fn a_proxy_names_the_client_and_the_client_names_nobody() {
        let (named, headers) = client("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2");
        assert_eq!(named, "198.51.100.7");
        assert_eq!(headers.len(), 3);
        assert_eq!(client("10.0.0.1", "unknown").0, "10.0.0.1");
    }
}
