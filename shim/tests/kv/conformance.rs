//! What holds of every back end. Each function is one promise; its name is the sentence.

use crate::fixture::Labels;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;
use wasm_shim::kv::{Error, ErrorKind, Store, Swap};

/// Makes a test module of the whole suite for the fixture `$fixture`.
macro_rules! suite {
    ($module:ident, $fixture:ty) => {
        $crate::conformance::suite!(@tests $module, $fixture,
            a_value_is_read_back,
            an_absent_key_has_no_value,
            a_set_replaces_the_value,
            a_delete_removes_the_key_and_may_be_repeated,
            labels_share_nothing,
            values_are_any_bytes,
            an_empty_value_is_not_absence,
            keys_are_told_apart_byte_by_byte,
            keys_outside_the_limits_are_refused_everywhere,
            values_up_to_the_limit_are_taken_and_larger_ones_refused,
            get_many_answers_in_the_order_asked,
            set_many_writes_all_and_of_a_repeated_key_the_last,
            a_refused_set_many_writes_nothing,
            delete_many_removes_all_that_are_there,
            batches_of_nothing_do_nothing,
            a_listing_of_nothing_is_empty,
            a_listing_is_complete_in_bounded_batches,
            a_listing_has_every_lasting_key_while_others_come_and_go,
            a_listing_left_lying_blocks_nobody,
            an_increment_starts_at_zero,
            an_increment_may_be_negative,
            concurrent_increments_all_count,
            an_increment_of_something_else_is_refused_and_harms_nothing,
            an_increment_past_the_range_is_refused,
            a_swap_replaces_what_was_expected,
            a_swap_leaves_what_was_not_expected,
            a_swap_of_nothing_creates_only_where_nothing_is,
            a_swap_of_something_does_not_create,
            of_racing_creators_exactly_one_wins,
            racing_swappers_lose_no_update,
            a_refused_write_does_not_harm_its_neighbours,
            a_dropped_write_does_not_harm_the_next,
        );
    };
    (@tests $module:ident, $fixture:ty, $($promise:ident,)*) => {
        mod $module {
            use super::*;
            use crate::fixture::Fixture;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let fixture = <$fixture>::new();
                    conformance::$promise(fixture.open().await).await;
                }
            )*
        }
    };
}
pub(crate) use suite;

/// How many tasks race in the tests of races.
const RACERS: u8 = 64;

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
    assert_eq!(swap(&store, None, "a").await, Swap::Changed);
    assert_eq!(swap(&store, Some(""), "a").await, Swap::Applied);
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

pub(crate) async fn get_many_answers_in_the_order_asked(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    store.set("b", b"2".to_vec()).await.unwrap();
    let values = store
        .get_many(&strings(["b", "-", "a", "b"]))
        .await
        .unwrap();
    let [one, two] = [b"1", b"2"].map(|value| Some(value.to_vec()));
    assert_eq!(values, [two.clone(), None, one, two]);

    let many: Vec<String> = (0..1000).map(|n| format!("many_{n}")).collect();
    let pairs = many.iter().map(|key| (key.clone(), key.clone().into()));
    store.set_many(pairs.collect()).await.unwrap();
    let expected: Vec<_> = many.iter().map(|key| Some(key.clone().into())).collect();
    assert_eq!(store.get_many(&many).await.unwrap(), expected);
}

pub(crate) async fn set_many_writes_all_and_of_a_repeated_key_the_last(labels: Labels) {
    let store = labels.default();
    store.set("a", b"0".to_vec()).await.unwrap();
    let pairs = [("a", "1"), ("b", "2"), ("a", "3")];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.into()));
    store.set_many(pairs.into()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"3");
    assert_eq!(store.get("b").await.unwrap().unwrap(), b"2");
}

pub(crate) async fn a_refused_set_many_writes_nothing(labels: Labels) {
    let store = labels.default();
    let pairs = ["a", ""].map(|key| (key.to_owned(), b"1".to_vec()));
    let error = store.set_many(pairs.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(sorted_keys(&store).await.is_empty());
}

pub(crate) async fn delete_many_removes_all_that_are_there(labels: Labels) {
    let store = labels.default();
    for key in ["a", "b", "c"] {
        store.set(key, b"1".to_vec()).await.unwrap();
    }
    store
        .delete_many(strings(["c", "-", "a", "a"]))
        .await
        .unwrap();
    assert_eq!(sorted_keys(&store).await, ["b"]);
}

pub(crate) async fn batches_of_nothing_do_nothing(labels: Labels) {
    let store = labels.default();
    assert_eq!(store.get_many(&[]).await.unwrap(), []);
    store.set_many(Vec::new()).await.unwrap();
    store.delete_many(Vec::new()).await.unwrap();
}

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

pub(crate) async fn an_increment_starts_at_zero(labels: Labels) {
    let store = labels.default();
    assert_eq!(store.increment("n", 3).await.unwrap(), 3);
    assert_eq!(store.increment("n", 4).await.unwrap(), 7);
    assert_eq!(store.increment("zero", 0).await.unwrap(), 0);
    assert!(store.exists("zero").await.unwrap());
}

pub(crate) async fn an_increment_may_be_negative(labels: Labels) {
    let store = labels.default();
    assert_eq!(store.increment("n", 1).await.unwrap(), 1);
    assert_eq!(store.increment("n", -10).await.unwrap(), -9);
    assert_eq!(store.increment("min", i64::MIN).await.unwrap(), i64::MIN);
    assert_eq!(store.increment("min", i64::MAX).await.unwrap(), -1);
}

pub(crate) async fn concurrent_increments_all_count(labels: Labels) {
    const TIMES: usize = 100;
    let store = labels.default();
    let mut sums: Vec<i64> = race(&store, |store, _| async move {
        let mut sums = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            sums.push(store.increment("n", 1).await?);
        }
        Ok(sums)
    })
    .await
    .concat();
    // Each sum was seen once: no two callers were told the same number.
    sums.sort_unstable();
    let expected: Vec<i64> = (1..).take(usize::from(RACERS) * TIMES).collect();
    assert_eq!(sums, expected);
}

pub(crate) async fn an_increment_of_something_else_is_refused_and_harms_nothing(labels: Labels) {
    let store = labels.default();
    store.set("a", b"no integer".to_vec()).await.unwrap();
    let error = store.increment("a", 1).await.unwrap_err();
    assert!(matches!(error, Error::NotAnInteger { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().starts_with("key `a` holds "), "{error}");

    assert_eq!(store.get("a").await.unwrap().unwrap(), b"no integer");
    assert_eq!(store.increment("n", 1).await.unwrap(), 1);
}

pub(crate) async fn an_increment_past_the_range_is_refused(labels: Labels) {
    let store = labels.default();
    store.increment("n", i64::MAX).await.unwrap();
    let error = store.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(store.increment("n", 0).await.unwrap(), i64::MAX);
}

pub(crate) async fn a_swap_replaces_what_was_expected(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(swap(&store, Some("1"), "2").await, Swap::Applied);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"2");
    assert_eq!(swap(&store, Some("2"), "2").await, Swap::Applied);
}

pub(crate) async fn a_swap_leaves_what_was_not_expected(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(swap(&store, Some("0"), "2").await, Swap::Changed);
    assert_eq!(swap(&store, Some("1 "), "2").await, Swap::Changed);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
}

pub(crate) async fn a_swap_of_nothing_creates_only_where_nothing_is(labels: Labels) {
    let store = labels.default();
    assert_eq!(swap(&store, None, "1").await, Swap::Applied);
    assert_eq!(swap(&store, None, "2").await, Swap::Changed);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
    store.delete("a").await.unwrap();
    assert_eq!(swap(&store, None, "3").await, Swap::Applied);
}

pub(crate) async fn a_swap_of_something_does_not_create(labels: Labels) {
    let store = labels.default();
    assert_eq!(swap(&store, Some("1"), "2").await, Swap::Changed);
    assert_eq!(store.get("a").await.unwrap(), None);
}

pub(crate) async fn of_racing_creators_exactly_one_wins(labels: Labels) {
    let store = labels.default();
    let outcomes = race(&store, |store, racer| async move {
        Ok((racer, store.compare_and_swap("a", None, vec![racer]).await?))
    })
    .await;
    let winners: Vec<u8> = outcomes
        .into_iter()
        .filter_map(|(racer, swap)| (swap == Swap::Applied).then_some(racer))
        .collect();
    assert_eq!(store.get("a").await.unwrap().unwrap(), winners);
    assert_eq!(winners.len(), 1);
}

pub(crate) async fn racing_swappers_lose_no_update(labels: Labels) {
    const TIMES: usize = 10;
    let store = labels.default();
    store.set("a", Vec::new()).await.unwrap();
    race(&store, |store, racer| async move {
        for _ in 0..TIMES {
            loop {
                let current = store.get("a").await?.unwrap_or_default();
                let longer = [current.as_slice(), &[racer]].concat();
                let swap = store.compare_and_swap("a", Some(&current), longer).await?;
                if swap == Swap::Applied {
                    break;
                }
            }
        }
        Ok(())
    })
    .await;
    let mut racers = store.get("a").await.unwrap().unwrap();
    racers.sort_unstable();
    let expected: Vec<u8> = (0..RACERS).flat_map(|racer| [racer; TIMES]).collect();
    assert_eq!(racers, expected);
}

pub(crate) async fn a_refused_write_does_not_harm_its_neighbours(labels: Labels) {
    let store = labels.default();
    store.set("bad", b"no integer".to_vec()).await.unwrap();
    // Submitted together, so that a back end that batches has them in one batch.
    let refused = race(&store, |store, racer| async move {
        let keys = [format!("before_{racer}"), format!("after_{racer}")];
        let (before, bad, after) = tokio::join!(
            store.set(&keys[0], vec![racer]),
            store.increment("bad", 1),
            store.increment(&keys[1], i64::from(racer)),
        );
        before?;
        assert_eq!(after?, i64::from(racer));
        Ok(bad.unwrap_err().kind())
    })
    .await;
    assert_eq!(refused, [ErrorKind::Data; RACERS as usize]);
    for racer in 0..RACERS {
        let value = store.get(&format!("before_{racer}")).await.unwrap();
        assert_eq!(value, Some(vec![racer]));
    }
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

/// Runs `racer` in [`RACERS`] tasks at once, and returns what each returned.
async fn race<T, F>(store: &Arc<dyn Store>, racer: impl Fn(Arc<dyn Store>, u8) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let racers: JoinSet<_> = (0..RACERS).map(|n| racer(store.clone(), n)).collect();
    let outcomes: Result<_, Error> = racers.join_all().await.into_iter().collect();
    outcomes.expect("the store fails nobody")
}

/// Swaps key `a`.
async fn swap(store: &Arc<dyn Store>, expected: Option<&str>, value: &str) -> Swap {
    let expected = expected.map(str::as_bytes);
    let swap = store.compare_and_swap("a", expected, value.into()).await;
    swap.expect("the store fails nobody")
}

/// Writes `count` keys that begin with `prefix`, and returns them.
async fn fill(store: &Arc<dyn Store>, prefix: &str, count: usize) -> BTreeSet<String> {
    let keys: BTreeSet<String> = (0..count).map(|n| format!("{prefix}_{n:06}")).collect();
    let pairs = keys.iter().map(|key| (key.clone(), b"1".to_vec()));
    let written = store.set_many(pairs.collect()).await;
    written.expect("the store fails nobody");
    keys
}

/// Every key of `store`, each once.
async fn sorted_keys(store: &Arc<dyn Store>) -> Vec<String> {
    let batches: Result<Vec<_>, _> = store.keys().try_collect().await;
    let keys: BTreeSet<String> = batches
        .expect("the listing succeeds")
        .into_iter()
        .flatten()
        .collect();
    keys.into_iter().collect()
}

fn strings<const N: usize>(keys: [&str; N]) -> Vec<String> {
    keys.map(str::to_owned).into()
}
