//! What holds of the Redis back end alone: Spin can use its keys and it Spin's, a server may come
//! and go, and a start says in one sentence why a server cannot be used and what to do.

use crate::fixture::{Fixture, Redis};
use kv::{Backend, Error, ErrorKind, RedisAddress, SizeLimits, Store, Stores, SwapOutcome};
use redis::{Commands, Connection};
use redis_server::RedisServer;
use std::time::Duration;

#[tokio::test]
async fn keys_of_ours_are_as_spin_writes_them() {
    let fixture = Redis::new();
    let store = fixture.open().await.default();
    store.set("a", b"\0\xff".to_vec()).await.unwrap();
    store.increment("n", -2).await.unwrap();
    let swap = store.compare_and_swap("s", None, b"1".to_vec()).await;
    assert_eq!(swap.unwrap(), SwapOutcome::Applied);

    let mut spin = connect(fixture.server());
    let value: Vec<u8> = spin.get("a").unwrap();
    assert_eq!(value, b"\0\xff");
    let counter: String = spin.get("n").unwrap();
    assert_eq!(counter, "-2");
    let swapped: String = spin.get("s").unwrap();
    assert_eq!(swapped, "1");
    let count: u64 = redis::cmd("DBSIZE").query(&mut spin).unwrap();
    assert_eq!(count, 3);
}

#[tokio::test]
async fn keys_of_spins_are_taken_over() {
    let fixture = Redis::new();
    let mut spin = connect(fixture.server());
    let () = spin.set("a", "from Spin").unwrap();
    let _: i64 = spin.incr("n", 41).unwrap();

    let store = fixture.open().await.default();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"from Spin");
    assert_eq!(store.increment("n", 1).await.unwrap(), 42);
}

#[tokio::test]
async fn a_key_of_another_type_is_refused_and_left_alone() {
    let fixture = Redis::new();
    let mut other = connect(fixture.server());
    let _: i64 = other.lpush("list", "first").unwrap();

    let store = fixture.open().await.default();
    let read = store.get("list").await.unwrap_err();
    assert!(matches!(read, Error::Foreign { .. }), "{read}");
    let swapped = store.compare_and_swap("list", None, b"1".to_vec()).await;
    assert_eq!(swapped.unwrap_err().kind(), ErrorKind::Data);
    let increment = store.increment("list", 1).await.unwrap_err();
    assert!(
        matches!(increment, Error::NotAnInteger { .. }),
        "{increment}"
    );
    let length: i64 = other.llen("list").unwrap();
    assert_eq!(length, 1);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_of_the_server() {
    let fixture = Redis::new();
    let store = fixture.open().await.default();
    for n in 0..100_u8 {
        store.set(&format!("k{n}"), vec![n]).await.unwrap();
    }
    fixture.server().restart();
    for n in 0..100_u8 {
        assert_eq!(answered(&store, &format!("k{n}")).await, Some(vec![n]));
    }
}

#[tokio::test]
async fn a_server_that_is_gone_fails_calls_at_once_until_it_is_back() {
    let fixture = Redis::new();
    let store = fixture.open().await.default();
    store.set("a", b"1".to_vec()).await.unwrap();

    fixture.server().kill();
    for _ in 0..100 {
        let error = store.get("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    fixture.server().restart();
    assert_eq!(answered(&store, "a").await.unwrap(), b"1");
}

#[tokio::test]
async fn a_server_that_hangs_fails_calls_in_bounded_time_and_is_used_again() {
    let fixture = Redis::new();
    let store = fixture.open().await.default();
    fixture.server().pause();
    let error = store.set("a", b"1".to_vec()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "it may have happened");
    fixture.server().resume();
    answered(&store, "a").await;
    store.set("a", b"2".to_vec()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"2");
}

#[tokio::test]
async fn a_store_opens_before_its_server_does() {
    let fixture = Redis::new();
    fixture.server().kill();
    let store = fixture.open().await.default();
    assert_eq!(
        store.get("a").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    fixture.server().restart();
    assert_eq!(answered(&store, "a").await, None);
}

#[tokio::test]
async fn a_server_with_too_many_clients_is_used_when_it_has_room() {
    let fixture = Redis::on(RedisServer::start_with(&["--maxclients", "1"]));
    let only = connect(fixture.server());
    let store = fixture.open().await.default();
    assert_eq!(
        store.get("a").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    drop(only);
    assert_eq!(answered(&store, "a").await, None);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_never_shown() {
    let server = RedisServer::start_with(&["--requirepass", "right"]);
    let without = refusal(&server.url(0)).await;
    assert!(
        without.contains("user name and the password in `url`"),
        "{without}"
    );
    let url = format!("redis://:wrong@127.0.0.1:{}/0", server.port());
    let wrong = refusal(&url).await;
    assert!(
        wrong.contains("user name and the password in `url`"),
        "{wrong}"
    );
    assert!(!wrong.contains(":wrong"), "{wrong}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told() {
    let server = RedisServer::start_with(&["--databases", "2"]);
    let message = refusal(&server.url(7)).await;
    assert!(message.contains("database 7"), "{message}");
    assert!(message.contains("correct `url`"), "{message}");
}

#[tokio::test]
async fn two_labels_may_not_share_a_database() {
    let server = RedisServer::start();
    let backend = Backend::Redis(address(&server.url(0)));
    let labels = ["default", "other"].map(|label| (label.to_owned(), backend.clone()));
    let refused = Stores::open(labels, SizeLimits::default()).await;
    let message = refused.err().expect("it is refused").to_string();
    assert!(
        message.ends_with("give each a database of its own"),
        "{message}"
    );
}

/// The value of `key`, once the store answers.
pub(crate) async fn answered(store: &std::sync::Arc<dyn Store>, key: &str) -> Option<Vec<u8>> {
    // A store that tries again tells nobody when it will, so it is asked.
    let answered = async {
        loop {
            if let Ok(value) = store.get(key).await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answered = tokio::time::timeout(Duration::from_mins(1), answered).await;
    answered.expect("the store comes back")
}

async fn refusal(url: &str) -> String {
    let labels = [("default".to_owned(), Backend::Redis(address(url)))];
    let refused = Stores::open(labels, SizeLimits::default()).await;
    refused.err().expect("it is refused").to_string()
}

pub(crate) fn address(url: &str) -> RedisAddress {
    RedisAddress::parse(url).expect("is a URL")
}

/// As another client of the same server.
fn connect(server: &RedisServer) -> Connection {
    let client = redis::Client::open(server.url(0)).expect("the server's URL is one");
    client.get_connection().expect("the server answers")
}
