//! Properties of orders: whatever JSON a client puts into one comes back byte for byte, from the
//! record and with the result.

use proptest::prelude::*;
use protocol::{Order, Record, Timestamp};

use crate::support::conditions::thoroughness;

/// A record without optional members, as this version writes it.
const RECORD: &[u8] = include_bytes!("../golden/v1/pending_minimal.json");

/// White space as RFC 8259 §2 has it.
const SPACE: &str = "[ \t\r\n]{0,2}";

/// The text of any JSON, written in any way that RFC 8259 allows.
fn json() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,5})?";
    let literal = prop_oneof![Just("null"), Just("true"), Just("false")];
    let leaf = prop_oneof![literal.prop_map(str::to_owned), number, string()];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let element = (SPACE, inner.clone(), SPACE).prop_map(|(a, value, b)| a + &value + &b);
        prop_oneof![
            prop::collection::vec(element, 0..5).prop_map(|all| format!("[{}]", all.join(","))),
            members(inner).prop_map(|all| format!("{{{all}}}")),
        ]
    })
}

/// What stands between the braces of an object: names that nobody should take for more than names.
fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("\"$serde_json::private::Number\"".to_owned()),
        Just("\"$serde_json::private::RawValue\"".to_owned()),
        "[a-z]{1,3}".prop_map(|name| format!("\"{name}\"")),
        "00[4-5][0-9]".prop_map(|code| format!("\"\\u{code}\"")),
    ];
    prop::collection::btree_map(name, (SPACE, value, SPACE), 0..5).prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, (before, value, after))| format!("{after}{name}{before}:{value}{after}"));
        members.collect::<Vec<_>>().join(",")
    })
}

fn string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[^\"\\\\\\x00-\\x1f]{0,6}",
        "\\\\[\"\\\\/bfnrt]",
        "\\\\u[0-9a-c][0-9a-fA-F]{3}",
        Just("\\ud83d\\uDE00".to_owned()),
        // JSON inside a string is a string.
        Just(r#"{\"customer\":1}"#.to_owned()),
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig {
        // OK because the factor is small.
        cases: 512 * u32::try_from(thoroughness()).expect("a small factor"),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_order_comes_back_byte_for_byte(unknown in json(), more in json(), around in SPACE) {
        let before = format!(r#"{{"customer":"Ada", "X":{unknown},"items":[{{"quantity":1e0,"Y":{more},"name":"tea"}}]"#);
        let sent = format!("{before}{around}}}");

        let order = Order::parse(format!("{around}{sent}{around}").as_bytes());
        prop_assert!(order.is_ok(), "`{}`: {:?}", sent, order);
        let order = order?;
        prop_assert_eq!(order.as_json(), &sent);

        let mut record = Record::from_json(RECORD).expect("a record");
        record.order = order;
        let read = Record::from_json(&record.to_json()).expect("what was written is read");
        prop_assert_eq!(read.order.as_json(), &sent);

        let completed = read.order.completed(Timestamp::from_unix_ms(0)).expect("an order");
        let expected = format!(r#"{before},"completedAt":"1970-01-01T00:00:00.000Z"{around}}}"#);
        prop_assert_eq!(completed.get(), expected);
    }
}
