//! A request as the service sees it: whose it is, and which resource it means.

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use bytes::Bytes;
use http::{HeaderMap, Method};

/// A request that was read completely.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The decoded segments of the path.
    pub(crate) path: Vec<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(super) fn new(parts: http::request::Parts, body: Bytes) -> Self {
        let path = parts.uri.path().split('/').filter(|part| !part.is_empty());
        Self {
            method: parts.method,
            path: path.map(decoded).collect(),
            headers: parts.headers,
            body,
        }
    }

    /// A header's text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Whether a header says yes. The service takes it in any case.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.header(name).eq_ignore_ascii_case("true")
    }

    /// Whether it reads items, be it by a query.
    pub(crate) fn reads_items(&self) -> bool {
        self.of_items() && (self.method == Method::GET || self.flag("x-ms-documentdb-isquery"))
    }

    /// Whether it writes an item.
    pub(crate) fn writes_items(&self) -> bool {
        self.of_items() && !self.reads_items()
    }

    fn of_items(&self) -> bool {
        self.path.get(4).is_some_and(|part| part == "docs")
    }

    /// Whether its signature is that of `key`.
    pub(super) fn is_signed_by(&self, key: &str) -> bool {
        let (kind, link) = self.signed_resource();
        let date = self.header("x-ms-date").to_lowercase();
        let method = self.method.as_str().to_lowercase();
        let signed = format!("{method}\n{kind}\n{link}\n{date}\n\n");
        let key = Secret::from(key.to_owned());
        let signature = hmac_sha256(&signed, &key).expect("the key is base64");
        self.authorization() == format!("type=master&ver=1.0&sig={signature}")
    }

    /// Whether it brings the token `token`.
    pub(super) fn has_token(&self, token: &str) -> bool {
        self.authorization() == format!("type=aad&ver=1.0&sig={token}")
    }

    fn authorization(&self) -> String {
        decoded(self.header("authorization"))
    }

    /// The type of the resource, and its link: that of the owner, for a feed.
    fn signed_resource(&self) -> (&str, String) {
        let feed = self.path.len() % 2 == 1;
        let (link, kind) = match self.path.split_last() {
            None => return ("", String::new()),
            Some((kind, owner)) if feed => (owner, kind),
            Some((_, rest)) => (&self.path[..], rest.last().expect("a pair has a type")),
        };
        (kind, link.join("/"))
    }
}

/// Decodes `%20` and the like.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' && tail.len() >= 2 {
            let hex = std::str::from_utf8(&tail[..2]).expect("an escape is two digits");
            bytes.push(u8::from_str_radix(hex, 16).expect("an escape is hexadecimal"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).expect("a decoded text is UTF-8")
}
