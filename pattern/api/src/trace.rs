//! The trace that an order is submitted in (W3C Trace Context, W3C Baggage), as far as it is kept.

use guest::Request;

/// The longest `tracestate` that is kept, 512 bytes: what W3C Trace Context §3.3.1.5 asks of everybody.
const TRACESTATE_BYTES_MAX: usize = 1 << 9;
/// The longest `baggage` that is kept, in bytes: what W3C Baggage §3.3.2 asks of everybody.
const BAGGAGE_BYTES_MAX: usize = 8192;

/// What is kept; each part absent if it was not sent, or not as it must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub traceparent: Option<String>,
    /// Only beside a `traceparent`, without which it means nothing.
    pub tracestate: Option<String>,
    pub baggage: Option<String>,
}

impl Trace {
    /// The trace of `request`.
    pub fn of(request: &Request) -> Self {
        Self::read(
            request.header("traceparent").ok().flatten(),
            request.list_header("tracestate"),
            request.list_header("baggage"),
        )
    }

    fn read(
        traceparent: Option<String>,
        tracestate: Option<String>,
        baggage: Option<String>,
    ) -> Self {
        let traceparent = traceparent.filter(|value| is_traceparent(value));
        Self {
            tracestate: tracestate
                .filter(|value| traceparent.is_some() && is_list(value, TRACESTATE_BYTES_MAX)),
            baggage: baggage.filter(|value| is_list(value, BAGGAGE_BYTES_MAX)),
            traceparent,
        }
    }
}

/// W3C Trace Context §3.2: `version-traceid-parentid-flags`, in lower-case hexadecimal, none of the
/// two ids all zeros, and no version `ff`.
fn is_traceparent(value: &str) -> bool {
    let parts: Vec<_> = value.split('-').collect();
    let is_hexadecimal = parts.iter().zip([2, 32, 16, 2]).all(|(part, length)| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    parts.len() == 4
        && is_hexadecimal
        && parts[0] != "ff"
        && !is_zero(parts[1])
        && !is_zero(parts[2])
}

/// Printable, and within its bound. Its members are for those who wrote them.
fn is_list(value: &str, bytes_max: usize) -> bool {
    let is_printable = |byte| matches!(byte, b' '..=b'~' | b'\t');
    (1..=bytes_max).contains(&value.len()) && value.bytes().all(is_printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(parent: &str, state: &str, baggage: &str) -> Trace {
        let [parent, state, baggage] = [parent, state, baggage].map(|value| Some(value.to_owned()));
        Trace::read(parent, state, baggage)
    }

    #[test]
    fn a_trace_is_kept_whole() {
        let trace = read(PARENT, "vendor=1,other=2", "user=ada");
        assert_eq!(trace.traceparent.as_deref(), Some(PARENT));
        assert_eq!(trace.tracestate.as_deref(), Some("vendor=1,other=2"));
        assert_eq!(trace.baggage.as_deref(), Some("user=ada"));
    }

    #[test]
    fn what_is_no_trace_context_is_not_kept_nor_its_state() {
        for parent in [
            "",
            "00-\r\n",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let trace = read(parent, "vendor=1", "user=ada");
            assert_eq!((trace.traceparent, trace.tracestate), (None, None));
            assert!(trace.baggage.is_some());
        }
    }

    #[test]
    fn what_is_too_long_or_not_printable_is_not_kept() {
        let longest = |bytes: usize| "k=".to_owned() + &"v".repeat(bytes - 2);
        let kept = read(
            PARENT,
            &longest(TRACESTATE_BYTES_MAX),
            &longest(BAGGAGE_BYTES_MAX),
        );
        assert!(kept.tracestate.is_some() && kept.baggage.is_some());
        for (state, baggage) in [
            (
                longest(TRACESTATE_BYTES_MAX + 1),
                longest(BAGGAGE_BYTES_MAX + 1),
            ),
            ("é".into(), "\u{1}".into()),
        ] {
            let trace = read(PARENT, &state, &baggage);
            assert_eq!((trace.tracestate, trace.baggage), (None, None));
        }
    }
}
