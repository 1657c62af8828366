//! One key at a time: what is written is what is read, and limits are kept.

use super::{sorted_keys, swap};
use crate::fixture::Labels;
use kv::{ErrorKind, SwapOutcome};

pub(crate) async fn a_value_is_read_back(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
    assert!(store.exists("a").await.unwrap());
}

pub(crate) async fn an_absent_key_has_no_value(labels: Labels) {
    let store = labels.default();
    assert_eq!(store.get("a").await.unwrap(), None);
    assert!(!store.exists("a").await.unwrap());
}

pub(crate) async fn a_set_replaces_the_value(labels: Labels) {
    let store = labels.default();
    store
        .set("a", b"the first, longer one".to_vec())
        .await
        .unwrap();
    store.set("a", b"2".to_vec()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"2");
}

pub(crate) async fn a_delete_removes_the_key_and_may_be_repeated(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    store.delete("a").await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
    store.delete("a").await.unwrap();
}

pub(crate) async fn labels_share_nothing(labels: Labels) {
    let (store, other) = (labels.default(), labels.other());
    store.set("a", b"1".to_vec()).await.unwrap();
    other.set("b", b"2".to_vec()).await.unwrap();

    assert_eq!(other.get("a").await.unwrap(), None);
    assert_eq!(other.increment("n", 5).await.unwrap(), 5);
    assert_eq!(store.increment("n", 1).await.unwrap(), 1);
    other.delete("a").await.unwrap();
    assert_eq!(sorted_keys(&store).await, ["a", "n"]);
    assert_eq!(sorted_keys(&other).await, ["b", "n"]);
}

pub(crate) async fn values_are_any_bytes(labels: Labels) {
    let store = labels.default();
    let value: Vec<u8> = (0..=255).rev().chain([0, 0xff, 0]).collect();
    store.set("a", value.clone()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), value);
}

pub(crate) async fn an_empty_value_is_not_absence(labels: Labels) {
    let store = labels.default();
    store.set("a", Vec::new()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), Some(Vec::new()));
    assert!(store.exists("a").await.unwrap());
    assert_eq!(swap(&store, None, "a").await, SwapOutcome::Changed);
    assert_eq!(swap(&store, Some(""), "a").await, SwapOutcome::Applied);
}

pub(crate) async fn keys_are_told_apart_byte_by_byte(labels: Labels) {
    let store = labels.default();
    let keys = ["A", "a", "a-", "a_", "aa"];
    for key in keys {
        store.set(key, key.into()).await.unwrap();
    }
    for key in keys {
        assert_eq!(store.get(key).await.unwrap().unwrap(), key.as_bytes());
    }
    assert_eq!(sorted_keys(&store).await, keys);
}

pub(crate) async fn keys_outside_the_limits_are_refused_everywhere(labels: Labels) {
    let store = labels.default();
    let longest = "k".repeat(255);
    store.set(&longest, b"1".to_vec()).await.unwrap();
    assert_eq!(store.get(&longest).await.unwrap().unwrap(), b"1");

    for key in [String::new(), "k".repeat(256)] {
        let refusals = [
            store.get(&key).await.map(drop),
            store.set(&key, Vec::new()).await,
            store.delete(&key).await,
            store.exists(&key).await.map(drop),
            store.get_many(std::slice::from_ref(&key)).await.map(drop),
            store.set_many(vec![(key.clone(), Vec::new())]).await,
            store.delete_many(vec![key.clone()]).await,
            store.increment(&key, 1).await.map(drop),
            store
                .compare_and_swap(&key, None, Vec::new())
                .await
                .map(drop),
        ];
        for refusal in refusals {
            let error = refusal.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let length = key.len();
            assert_eq!(
                error.to_string(),
                format!("the key is {length} bytes long, expected 1 to 255"),
            );
        }
    }
    assert_eq!(sorted_keys(&store).await, [longest]);
}

pub(crate) async fn values_up_to_the_limit_are_taken_and_larger_ones_refused(labels: Labels) {
    let store = labels.default();
    let largest = vec![7; 1024 * 1024];
    store.set("a", largest.clone()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), largest);

    let larger = vec![7; 1024 * 1024 + 1];
    let refusals = [
        store.set("b", larger.clone()).await,
        store.set_many(vec![("b".into(), larger.clone())]).await,
        store.compare_and_swap("b", None, larger).await.map(drop),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "the value for key `b` is 1048577 bytes long, expected at most 1048576",
        );
    }
    assert_eq!(store.get("b").await.unwrap(), None);
}

pub(crate) async fn a_dropped_write_does_not_harm_the_next(labels: Labels) {
    let store = labels.default();
    for n in 0..100_u8 {
        // Polled once, so that it is under way, and then forgotten.
        let forgotten = futures::poll!(store.set("a", vec![n]));
        drop(forgotten);
    }
    store.set("a", b"last".to_vec()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"last");
}
