//! A component's variables, read together, so that all that is wrong with them is told at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::host::world::variable;
use crate::message::Url;
use crate::origin::http_origin;

/// What is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableFault {
    /// Its name.
    pub variable: String,
    /// The sentence that says what it must be.
    pub detail: String,
}

/// Reads variables, and notes each that is not what it must be.
///
/// Instead of a faulty one a reader gets some value, which nobody uses, as [`checked`](Self::checked)
/// refuses them all then.
#[derive(Default)]
pub struct Variables {
    faults: Vec<VariableFault>,
}

impl Variables {
    /// The value of `name`, as it is.
    pub async fn text(&mut self, name: &str) -> String {
        variable(name).await.unwrap_or_else(|detail| {
            self.fault(name, detail);
            String::new()
        })
    }

    /// The value of `name`, which must be a whole number in `range`.
    pub async fn number<T>(&mut self, name: &str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let value = self.text(name).await;
        let number = value.trim().parse().ok();
        number
            .filter(|number| range.contains(number))
            .unwrap_or_else(|| {
                let (start, end) = (range.start(), range.end());
                self.fault(
                    name,
                    format!("the variable `{name}` must be a whole number from {start} to {end}, found `{value}`"),
                );
                *start
            })
    }

    /// The value of `name`, which must be `true` or `false`.
    pub async fn flag(&mut self, name: &str) -> bool {
        let value = self.text(name).await;
        value.trim().parse().unwrap_or_else(|_| {
            self.fault(
                name,
                format!("the variable `{name}` must be `true` or `false`, found `{value}`"),
            );
            false
        })
    }

    /// The value of `name`, which must be an HTTP URL. What it is instead is not told: URLs may hold
    /// passwords.
    pub async fn http_url(&mut self, name: &str) -> String {
        let value = self.text(name).await;
        let url = value.trim();
        if !is_http_url(url) {
            self.fault(
                name,
                format!("the variable `{name}` must be a URL that begins with `http://` or `https://` and names a host"),
            );
        }
        url.to_owned()
    }

    /// The value of `name`, which must be empty, or a URL to which requests are sent: `None` if it is
    /// empty. What it is instead is not told, as by [`http_url`](Self::http_url).
    pub async fn http_target(&mut self, name: &str) -> Option<String> {
        let value = self.text(name).await;
        let url = value.trim();
        if !url.is_empty() && http_origin(url).is_none() {
            self.fault(
                name,
                format!("the variable `{name}` must be empty, or an `http://` or `https://` URL without user and fragment"),
            );
        }
        (!url.is_empty()).then(|| url.to_owned())
    }

    /// The value of `name`, which must be origins of URLs, separated by commas.
    pub async fn http_origins(&mut self, name: &str) -> Vec<String> {
        let value = self.text(name).await;
        let mut origins = Vec::new();
        for text in value.split(',').map(str::trim) {
            match origin_alone(text) {
                Some(origin) => origins.push(origin),
                None if text.is_empty() => {}
                None => self.fault(
                    name,
                    format!("the variable `{name}` must be origins such as `https://shop.example`, separated by commas, found `{text}`"),
                ),
            }
        }
        origins
    }

    /// Notes that `name` is not what it must be, as `detail` says.
    pub fn fault(&mut self, name: &str, detail: String) {
        // What cannot be read is told once, and not once more for not being a number.
        if self.faults.iter().all(|fault| fault.variable != name) {
            self.faults.push(VariableFault {
                variable: name.to_owned(),
                detail,
            });
        }
    }

    /// `settings`, which were made of what was read.
    ///
    /// # Errors
    /// All faults, if there are any.
    pub fn checked<T>(self, settings: T) -> Result<T, Vec<VariableFault>> {
        if self.faults.is_empty() {
            Ok(settings)
        } else {
            Err(self.faults)
        }
    }
}

/// The origin that `text` is, if it is one and nothing more.
fn origin_alone(text: &str) -> Option<String> {
    let has_path = text.splitn(3, '/').nth(2)?.contains('/');
    http_origin(text).filter(|_| !has_path)
}

fn is_http_url(text: &str) -> bool {
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_printable
        && Url::parse(text)
            .is_ok_and(|url| ["http", "https"].contains(&url.scheme) && !url.authority.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_scheme_of_http_and_a_host() {
        for url in ["http://a", "https://a.example:8080/path?query"] {
            assert!(is_http_url(url), "`{url}`");
        }
        for text in [
            "",
            "nonsense",
            "a.example",
            "http://",
            "http:///path",
            "ftp://a",
            "http://a b",
        ] {
            assert!(!is_http_url(text), "`{text}`");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin_alone("https://A:443").as_deref(), Some("https://a"));
        for text in ["", "*", "https://a/", "https://a/hook", "https://*.example"] {
            assert_eq!(origin_alone(text), None, "`{text}`");
        }
    }

    #[test]
    fn all_faults_are_told_and_each_once() {
        let mut variables = Variables::default();
        for (name, detail) in [("a", "first"), ("b", "second"), ("a", "third")] {
            variables.fault(name, detail.to_owned());
        }
        let faults = variables.checked(()).expect_err("there are faults");
        let details: Vec<_> = faults.iter().map(|fault| fault.detail.as_str()).collect();
        assert_eq!(details, ["first", "second"]);
    }
}
