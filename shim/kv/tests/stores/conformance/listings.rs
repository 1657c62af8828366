//! All keys of a label, however many there are and whatever happens meanwhile.

use super::{sorted_keys, strings};
use crate::fixture::Labels;
use futures::{StreamExt, TryStreamExt};
use kv::{Error, Store};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) async fn a_listing_of_nothing_is_empty(labels: Labels) {
    labels.other().set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(labels.default().keys().count().await, 0);
}

pub(crate) async fn a_listing_is_complete_in_bounded_batches(labels: Labels) {
    let store = labels.default();
    let keys = fill(&store, "a", 5000).await;
    let batches: Vec<Vec<String>> = store.keys().try_collect().await.unwrap();
    assert!(
        batches
            .iter()
            .all(|batch| (1..=1000).contains(&batch.len()))
    );
    assert_eq!(batches.into_iter().flatten().collect::<BTreeSet<_>>(), keys);
}

pub(crate) async fn a_listing_has_every_lasting_key_while_others_come_and_go(labels: Labels) {
    let store = labels.default();
    let lasting = fill(&store, "a", 3000).await;
    let ended = Arc::new(AtomicBool::new(false));
    let churn = tokio::spawn({
        let (store, ended) = (store.clone(), ended.clone());
        async move {
            let mut rounds = 0_u64;
            while !ended.load(Ordering::Relaxed) {
                // Between the lasting keys, and after all of them.
                let keys = strings([&format!("a_{rounds:06}_"), &format!("b_{rounds:06}")]);
                let pairs = keys.iter().map(|key| (key.clone(), b"1".to_vec()));
                store.set_many(pairs.collect()).await?;
                store.set("a_000000", rounds.to_le_bytes().to_vec()).await?;
                store.delete_many(keys).await?;
                rounds += 1;
            }
            Ok::<_, Error>(rounds)
        }
    });
    for _ in 0..10 {
        let batches: Vec<Vec<String>> = store.keys().try_collect().await.unwrap();
        let listed: BTreeSet<String> = batches.into_iter().flatten().collect();
        assert!(listed.is_superset(&lasting));
    }
    ended.store(true, Ordering::Relaxed);
    assert!(churn.await.unwrap().unwrap() > 0);
}

pub(crate) async fn a_listing_left_lying_blocks_nobody(labels: Labels) {
    let store = labels.default();
    let keys = fill(&store, "a", 3000).await;
    let mut listing = store.keys();
    let first = listing.next().await.unwrap().unwrap();

    store
        .delete_many(keys.iter().cloned().collect())
        .await
        .unwrap();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(sorted_keys(&store).await, ["a"]);
    assert!(!first.is_empty());
    drop(listing);
}

pub(crate) async fn keys_after_one_come_in_the_order_of_their_bytes(labels: Labels) {
    let store = labels.default();
    for key in ["b", "a", "_", "Z", "a0", "a_", "aa", "aA", "é", "9"] {
        store.set(key, b"1".to_vec()).await.unwrap();
    }
    let Some(keys) = store.keys_after("", 100).await.unwrap() else {
        return;
    };
    assert_eq!(keys, ["9", "Z", "_", "a", "a0", "aA", "a_", "aa", "b", "é"]);
    assert_eq!(after(&store, "a", 3).await, ["a0", "aA", "a_"]);
    assert_eq!(after(&store, "a~", 100).await, ["b", "é"]);
}

pub(crate) async fn keys_after_the_last_are_none_and_after_nothing_all(labels: Labels) {
    let store = labels.default();
    if store.keys_after("", 1).await.unwrap().is_none() {
        return;
    }
    assert!(after(&store, "", 10).await.is_empty());
    store.set("a", b"1".to_vec()).await.unwrap();
    store.set("b", b"1".to_vec()).await.unwrap();
    assert_eq!(after(&store, "", 10).await, ["a", "b"]);
    assert_eq!(after(&store, "", 2).await, ["a", "b"]);
    assert_eq!(after(&store, "", 1).await, ["a"]);
    assert!(after(&store, "", 0).await.is_empty());
    assert!(after(&store, "b", 10).await.is_empty());
    let long = "z".repeat(1000);
    assert!(after(&store, &long, 10).await.is_empty());
}

pub(crate) async fn keys_after_one_are_those_of_its_label(labels: Labels) {
    let store = labels.default();
    if store.keys_after("", 1).await.unwrap().is_none() {
        return;
    }
    labels.other().set("b", b"1".to_vec()).await.unwrap();
    store.set("a", b"1".to_vec()).await.unwrap();
    store.set("c", b"1".to_vec()).await.unwrap();
    assert_eq!(after(&store, "a", 10).await, ["c"]);
    assert!(after(&store, "c", 10).await.is_empty());
}

pub(crate) async fn keys_after_one_that_is_gone_go_on_where_it_was(labels: Labels) {
    let store = labels.default();
    if store.keys_after("", 1).await.unwrap().is_none() {
        return;
    }
    for key in ["a", "b", "c"] {
        store.set(key, b"1".to_vec()).await.unwrap();
    }
    store.delete("b").await.unwrap();
    assert_eq!(after(&store, "b", 10).await, ["c"]);
    assert_eq!(after(&store, "a", 10).await, ["c"]);
}

pub(crate) async fn keys_before_one_come_last_first(labels: Labels) {
    let store = labels.default();
    if store.keys_before("", 1).await.unwrap().is_none() {
        return;
    }
    labels.other().set("b", b"1".to_vec()).await.unwrap();
    for key in ["b0", "a", "_", "Z", "a0", "a_", "aa", "aA", "é", "9"] {
        store.set(key, b"1".to_vec()).await.unwrap();
    }
    let before = async |key, limit| {
        let keys = store.keys_before(key, limit).await;
        keys.unwrap()
            .expect("it keeps an order, and does so always")
    };
    assert_eq!(before("aa", 3).await, ["a_", "aA", "a0"]);
    assert_eq!(
        before("~", 100).await,
        ["b0", "aa", "a_", "aA", "a0", "a", "_", "Z", "9"]
    );
    assert_eq!(before("a1", 2).await, ["a0", "a"]);
    assert!(before("9", 10).await.is_empty());
    assert!(before("", 10).await.is_empty());
    assert!(before("~", 0).await.is_empty());
}

pub(crate) async fn pages_of_keys_have_each_lasting_key_once_while_others_come_and_go(
    labels: Labels,
) {
    let store = labels.default();
    if store.keys_after("", 1).await.unwrap().is_none() {
        return;
    }
    let lasting = fill(&store, "a", 2500).await;
    let mut listed = Vec::new();
    let mut last = String::new();
    for page in 0.. {
        let keys = after(&store, &last, 1000).await;
        // One key where listing has been, and one where it has yet to come.
        let passing = strings([&format!("a_000000_{page}"), &format!("b_{page}")]);
        let pairs = passing.iter().map(|key| (key.clone(), b"1".to_vec()));
        store.set_many(pairs.collect()).await.unwrap();
        let full = keys.len() == 1000;
        last = keys.last().cloned().unwrap_or(last);
        listed.extend(keys);
        if !full {
            break;
        }
    }
    assert!(listed.is_sorted());
    let seen: Vec<_> = listed.iter().filter(|key| lasting.contains(*key)).collect();
    assert_eq!(seen, lasting.iter().collect::<Vec<_>>());
    // What came behind was passed, what came ahead was met.
    assert!(!listed.contains(&"a_000000_0".to_owned()));
    assert!(listed.contains(&"b_0".to_owned()));
}

/// The keys after `key`, of a store that keeps an order.
async fn after(store: &Arc<dyn Store>, key: &str, limit: usize) -> Vec<String> {
    let keys = store.keys_after(key, limit).await;
    keys.expect("the store fails nobody")
        .expect("it keeps an order, and does so always")
}

/// Writes `count` keys that begin with `prefix`, and returns them.
async fn fill(store: &Arc<dyn Store>, prefix: &str, count: usize) -> BTreeSet<String> {
    let keys: BTreeSet<String> = (0..count).map(|n| format!("{prefix}_{n:06}")).collect();
    let pairs = keys.iter().map(|key| (key.clone(), b"1".to_vec()));
    let written = store.set_many(pairs.collect()).await;
    written.expect("the store fails nobody");
    keys
}
