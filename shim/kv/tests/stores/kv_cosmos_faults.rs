//! What becomes of calls while Cosmos DB refuses them, loses its answers, or is away.

use crate::cosmos::{Account, Fault, Request, Server};
use crate::kv_cosmos_account::{account, store};
use futures::TryStreamExt;
use kv::{Error, ErrorKind};
use std::time::{Duration, Instant};

#[tokio::test]
async fn throttled_calls_wait_as_long_as_they_are_told() {
    let (server, store) = account().await;
    let throttled = Fault::Throttled {
        retry_after_ms: 150,
    };
    server.order(throttled, 2, Request::writes_items);
    let began = Instant::now();
    store.set("a", b"1".to_vec()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
    server.order(throttled, 1, Request::reads_items);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
}

#[tokio::test]
async fn what_is_throttled_for_long_is_busy_and_was_not_written() {
    let (server, store) = account().await;
    let throttled = Fault::Throttled {
        retry_after_ms: 700,
    };
    server.order(throttled, usize::MAX, Request::writes_items);
    let began = Instant::now();
    let error = store.set("a", b"1".to_vec()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(8));
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(
        error.to_string().ends_with(
            "refused to write an item: its throughput is used up; try again later, or give it more"
        ),
        "{error}",
    );
    server.recover();
    assert_eq!(store.get("a").await.unwrap(), None);
}

/// What a lost answer may not do: be repeated, whereupon the repetition's answer is taken for
/// the first one's.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unknown_and_not_repeated() {
    let (server, store) = account().await;
    store.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(store.increment("n", 1).await.unwrap(), 1);
    for fault in [Fault::AnswerLost, Fault::Refused(500), Fault::Refused(503)] {
        let before = store.increment("n", 0).await.unwrap();
        server.order(fault, usize::MAX, Request::writes_items);
        server.clear_log();
        let new = format!("new_{fault:?}").replace(['(', ')'], "_");
        let outcomes = [
            store.set("s", b"2".to_vec()).await,
            store.delete("d").await,
            store.increment("n", 1).await.map(drop),
            store
                .compare_and_swap(&new, None, b"2".to_vec())
                .await
                .map(drop),
            store
                .compare_and_swap("a", Some(b"1"), b"1".to_vec())
                .await
                .map(drop),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        let mut writes = server.log();
        writes.retain(|entry| !entry.starts_with("GET"));
        let expected = [
            "POST docs",
            "DELETE docs/d",
            "PUT docs/n",
            "POST docs",
            "PUT docs/a",
        ];
        assert_eq!(writes, expected, "{fault:?}");

        server.recover();
        let applied = i64::from(fault == Fault::AnswerLost);
        assert_eq!(store.increment("n", 0).await.unwrap(), before + applied);
        assert_eq!(store.exists(&new).await.unwrap(), applied == 1);
    }
}

#[tokio::test]
async fn a_read_back_after_a_lost_answer_tells_what_was_written() {
    let (server, store) = account().await;
    server.order(Fault::AnswerLost, 1, Request::writes_items);
    let swap = store.compare_and_swap("a", None, b"mine".to_vec()).await;
    assert_eq!(swap.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"mine");
}

#[tokio::test]
async fn an_account_that_went_away_is_unavailable_and_comes_back() {
    let (server, store) = account().await;
    store.set("a", b"1".to_vec()).await.unwrap();
    server.order(Fault::Cut, usize::MAX, |_| true);
    for _ in 0..10 {
        let error = store.get("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.to_string().starts_with(
                "Cosmos DB container `default` of database `orders` in account `shop` \
                 failed to read an item: "
            ),
            "{error}",
        );
        assert!(store.set("a", b"2".to_vec()).await.is_err());
        let listing: Result<Vec<_>, Error> = store.keys().try_collect().await;
        assert_eq!(listing.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    server.recover();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
    store.set("a", b"2".to_vec()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"2");
}

#[tokio::test]
async fn a_store_opens_before_its_account_answers() {
    let server = Server::start(Account::default());
    server.order(Fault::Cut, usize::MAX, |_| true);
    let store = store(&server).await;
    let error = store.get("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = error.to_string();
    assert!(told.contains("the account does not answer"), "{told}");

    server.recover();
    // A store that tries again tells nobody when it will, so it is asked.
    let opened = async {
        while store.set("a", b"1".to_vec()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let opened = tokio::time::timeout(Duration::from_mins(1), opened).await;
    opened.expect("the store opens");
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
}

#[tokio::test]
async fn writes_go_to_the_new_region_after_the_account_has_failed_over() {
    let (server, store) = account().await;
    server.order(Fault::RegionLeft, usize::MAX, Request::writes_items);
    let refused = store.set("a", b"1".to_vec()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    server.recover();
    server.clear_log();
    store.set("a", b"1".to_vec()).await.unwrap();
    // The account was asked again for its regions.
    let log = server.log();
    assert!(
        log.first().is_some_and(|entry| entry.trim() == "GET"),
        "{log:?}"
    );
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
}

#[tokio::test]
async fn what_the_account_refused_was_not_written() {
    let (server, store) = account().await;
    for status in [401, 403] {
        server.order(Fault::Refused(status), usize::MAX, Request::writes_items);
        let error = store.set("a", b"1".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        server.recover();
        assert_eq!(store.get("a").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_silent_account_is_given_up() {
    let (server, store) = account().await;
    server.order(Fault::Silence, 1, Request::reads_items);
    let began = Instant::now();
    let error = store.get("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(began.elapsed() < Duration::from_mins(1), "{error}");
    assert_eq!(store.get("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_container_that_is_gone_is_not_an_empty_one() {
    let (server, store) = account().await;
    store.set("a", b"1".to_vec()).await.unwrap();
    server.change(|account| account.delete_container("default"));
    for outcome in [
        store.get("a").await.map(drop),
        store.delete("a").await,
        store.set("a", b"1".to_vec()).await,
        store
            .compare_and_swap("a", None, Vec::new())
            .await
            .map(drop),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
