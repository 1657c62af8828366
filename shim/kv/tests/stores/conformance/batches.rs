//! Several keys in one call.

use super::{sorted_keys, strings};
use crate::fixture::Labels;
use kv::ErrorKind;

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
