//! `GET /` and `GET /assets/{file}`: the page, which is packed into the component.

use std::io::Read;

use flate2::read::GzDecoder;
use guest::{Request, Response};

use crate::{etag, weight};

/// What the page may do: run its own scripts and styles, and talk to this service. Nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A file of the page, as `build.rs` packed it.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    etag: &'static str,
    gzip: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file called `name`, if the page has it.
pub fn get(name: &str, request: &Request) -> Option<Response> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let if_none_match = request.list_header("if-none-match");
    let unchanged = if_none_match.is_some_and(|value| etag::matches(&value, asset.etag));
    let response = Response::new(if unchanged { 304 } else { 200 })
        .header("etag", asset.etag)
        // To be asked after each time: the files' names stay when their contents change.
        .header("cache-control", "no-cache")
        .vary("Accept-Encoding")
        .header("content-type", asset.content_type)
        .header("content-security-policy", CONTENT_SECURITY_POLICY)
        .header("cross-origin-opener-policy", "same-origin")
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff");
    if unchanged {
        return Some(response);
    }
    let accept_encoding = request.list_header("accept-encoding");
    Some(if accepts_gzip(accept_encoding.as_deref()) {
        response
            .header("content-encoding", "gzip")
            .fixed_body(asset.gzip)
    } else {
        response.body(unpack(asset.gzip))
    })
}

/// RFC 9110 §12.5.3; a weight of 0 refuses.
fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let weight =
        accept_encoding.and_then(|list| weight::of(list, "gzip").or_else(|| weight::of(list, "*")));
    weight.is_some_and(|weight| weight > 0.0)
}

fn unpack(gzip: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // OK because the bytes were packed by the build of this very component.
    GzDecoder::new(gzip)
        .read_to_end(&mut bytes)
        .expect("a packed file unpacks");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_names_is_packed() {
        let text = |name: &str| {
            let asset = ASSETS
                .iter()
                .find(|asset| asset.name == name)
                .unwrap_or_else(|| panic!("no `{name}`"));
            String::from_utf8(unpack(asset.gzip)).expect("text")
        };
        let named = |text: &str, before: &str| -> Vec<String> {
            text.split(before)
                .skip(1)
                .filter_map(|rest| rest.split(['"', '\'']).next())
                .map(str::to_owned)
                .collect()
        };
        let mut files = named(&text("index.html"), "\"assets/");
        assert!(!files.is_empty(), "the page names its script");
        let mut seen = 0;
        while let Some(file) = files.get(seen).cloned() {
            for import in named(&text(&file), "from './") {
                if !files.contains(&import) {
                    files.push(import);
                }
            }
            seen += 1;
        }
    }

    #[test]
    fn a_client_gets_gzip_only_if_it_takes_it() {
        for value in ["gzip", "br, GZIP;q=0.5", "*"] {
            assert!(accepts_gzip(Some(value)), "`{value}`");
        }
        for value in ["", "br", "gzip;q=0", "gzip;q=0, *", "identity"] {
            assert!(!accepts_gzip(Some(value)), "`{value}`");
        }
        assert!(!accepts_gzip(None));
    }
}
