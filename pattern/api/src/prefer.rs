//! The `Prefer` header (RFC 7240), of which this service knows `wait`.

/// How many seconds the client would wait, at most `seconds_max`.
///
/// A preference is only that: what is no whole number, or negative, is ignored (RFC 7240 §2).
pub fn wait_seconds(prefer: Option<&str>, seconds_max: u64) -> Option<u64> {
    let preferences = prefer?.split(',');
    let seconds = preferences.filter_map(|preference| {
        // A preference may have parameters, which `wait` does not.
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let value = value.trim().trim_matches('"');
        if !name.trim().eq_ignore_ascii_case("wait")
            || !value.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        // More digits than a number holds is longer than any wait, and capped like it.
        (!value.is_empty()).then(|| value.parse().unwrap_or(u64::MAX))
    });
    // RFC 7240 §2: the first of several counts.
    seconds.map(|seconds| seconds.min(seconds_max)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_whole_number_of_seconds_counts_and_is_capped() {
        assert_eq!(wait_seconds(Some("wait=10"), 60), Some(10));
        assert_eq!(
            wait_seconds(Some("respond-async, Wait = \"5\"; x, wait=9"), 60),
            Some(5)
        );
        assert_eq!(
            wait_seconds(Some("wait=99999999999999999999999"), 60),
            Some(60)
        );
    }

    #[test]
    fn what_is_no_number_of_seconds_is_ignored() {
        for prefer in [
            "",
            "wait",
            "wait=",
            "wait=-1",
            "wait=soon",
            "wait=1.5",
            "waiting=3",
        ] {
            assert_eq!(wait_seconds(Some(prefer), 60), None, "`{prefer}`");
        }
        assert_eq!(wait_seconds(None, 60), None);
    }
}
