//! The preference `wait` of a request (RFC 7240), which this host sees to in a component's place.

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

/// RFC 7240, section 2.
pub(super) const PREFER: HeaderName = HeaderName::from_static("prefer");
/// RFC 7240, section 3.
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Not to wait, said by a component's own means.
const AT_ONCE: &str = "wait=0";

/// How many seconds the client's answer is to be held, at most `seconds_max`; none if it is not. The
/// first of several preferences counts, and what is no whole number is ignored (RFC 7240, section 2).
pub(super) fn wait_seconds(headers: &HeaderMap, seconds_max: u64) -> Option<u64> {
    let values = headers.get_all(PREFER).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let seconds = texts
        .flat_map(|text| text.split(','))
        .find_map(seconds_of)?;
    Some(seconds.min(seconds_max)).filter(|seconds| *seconds > 0)
}

fn seconds_of(preference: &str) -> Option<u64> {
    let (name, value) = preference.split(';').next()?.split_once('=')?;
    let value = value.trim().trim_matches('"');
    let is_wait = name.trim().eq_ignore_ascii_case("wait")
        && !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than a number holds is longer than any wait, and capped like it.
    is_wait.then(|| value.parse().unwrap_or(u64::MAX))
}

/// Has the component answer at once; it still says by `Preference-Applied` whether it would have
/// waited. Other preferences stay.
pub(super) fn ask_not_to_wait(headers: &mut HeaderMap) {
    let values = headers.get_all(PREFER).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let others = texts
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|preference| seconds_of(preference).is_none() && !preference.is_empty());
    let preferences = others.chain([AT_ONCE]).collect::<Vec<_>>().join(", ");
    // OK because it is made of parts of valid values; and not to wait would be right all the same.
    let value =
        HeaderValue::try_from(preferences).unwrap_or_else(|_| HeaderValue::from_static(AT_ONCE));
    headers.insert(PREFER, value);
}

/// Whether the client asks for an event stream.
pub(super) fn asks_for_stream(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.to_ascii_lowercase().contains("text/event-stream"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferring(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_first_whole_number_of_seconds_counts_and_is_capped() {
        let seconds = |value| wait_seconds(&preferring(value), 60);
        assert_eq!(seconds("wait=10"), Some(10));
        assert_eq!(seconds("respond-async, Wait = \"5\"; x, wait=9"), Some(5));
        assert_eq!(seconds("wait=99999999999999999999999"), Some(60));
        for nothing in [
            "",
            "wait",
            "wait=",
            "wait=0",
            "wait=-1",
            "wait=soon",
            "waiting=3",
        ] {
            assert_eq!(seconds(nothing), None, "`{nothing}`");
        }
    }

    #[test]
    fn a_component_is_asked_not_to_wait_and_told_the_rest() {
        let mut headers = preferring("respond-async, wait=10, handling=lenient");
        ask_not_to_wait(&mut headers);
        assert_eq!(headers[PREFER], "respond-async, handling=lenient, wait=0");
    }
}
