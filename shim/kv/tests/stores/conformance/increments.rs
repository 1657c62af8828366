//! Integers: every increment counts once, and one that cannot be done harms nothing.

use super::{RACERS, race};
use crate::fixture::Labels;
use kv::{Error, ErrorKind};

pub(crate) async fn an_increment_starts_at_zero(labels: Labels) {
    let store = labels.default();
    assert_eq!(store.increment("n", 3).await.unwrap(), 3);
    assert_eq!(store.increment("n", 4).await.unwrap(), 7);
    assert_eq!(store.increment("n", 0).await.unwrap(), 7);
    assert_eq!(store.increment("zero", 0).await.unwrap(), 0);
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
