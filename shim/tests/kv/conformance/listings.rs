//! All keys of a label, however many there are and whatever happens meanwhile.

use super::{sorted_keys, strings};
use crate::fixture::Labels;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasm_shim::kv::{Error, Store};

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

/// Writes `count` keys that begin with `prefix`, and returns them.
async fn fill(store: &Arc<dyn Store>, prefix: &str, count: usize) -> BTreeSet<String> {
    let keys: BTreeSet<String> = (0..count).map(|n| format!("{prefix}_{n:06}")).collect();
    let pairs = keys.iter().map(|key| (key.clone(), b"1".to_vec()));
    let written = store.set_many(pairs.collect()).await;
    written.expect("the store fails nobody");
    keys
}
