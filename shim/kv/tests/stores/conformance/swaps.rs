//! Compare-and-swap: it writes over what was expected and over nothing else, in any race.

use super::{RACERS, race, swap};
use crate::fixture::Labels;
use kv::SwapOutcome;

pub(crate) async fn a_swap_replaces_what_was_expected(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(swap(&store, Some("1"), "2").await, SwapOutcome::Applied);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"2");
    assert_eq!(swap(&store, Some("2"), "2").await, SwapOutcome::Applied);
}

pub(crate) async fn a_swap_leaves_what_was_not_expected(labels: Labels) {
    let store = labels.default();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(swap(&store, Some("0"), "2").await, SwapOutcome::Changed);
    assert_eq!(swap(&store, Some("1 "), "2").await, SwapOutcome::Changed);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
}

pub(crate) async fn a_swap_of_nothing_creates_only_where_nothing_is(labels: Labels) {
    let store = labels.default();
    assert_eq!(swap(&store, None, "1").await, SwapOutcome::Applied);
    assert_eq!(swap(&store, None, "2").await, SwapOutcome::Changed);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
    store.delete("a").await.unwrap();
    assert_eq!(swap(&store, None, "3").await, SwapOutcome::Applied);
}

pub(crate) async fn a_swap_of_something_does_not_create(labels: Labels) {
    let store = labels.default();
    assert_eq!(swap(&store, Some("1"), "2").await, SwapOutcome::Changed);
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
        .filter_map(|(racer, swap)| (swap == SwapOutcome::Applied).then_some(racer))
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
                if swap == SwapOutcome::Applied {
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
