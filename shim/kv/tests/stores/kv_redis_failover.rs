//! What becomes of calls while Redis fails over, refuses, or closes connections: an address leads to
//! another server, as a name does that a sentinel or a cloud moves; servers are demoted, full, still
//! reading their data, or want a password.
//!
//! What was certainly not done is repeated, for a short time; a write without an answer never is.

use crate::kv_redis_server::{address, answered};
use kv::{Backend, ErrorKind, SizeLimits, Store, Stores, SwapOutcome};
use redis_server::{Proxy, RedisServer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Far longer than any call may take: it only ends what hangs.
const CALL_MAX: Duration = Duration::from_secs(30);

/// A primary, its replica, and an address that leads to the primary until it is moved.
struct Pair {
    first: RedisServer,
    second: RedisServer,
    proxy: Proxy,
}

impl Pair {
    async fn start() -> (Self, Arc<dyn Store>) {
        let [first, second] = [RedisServer::start(), RedisServer::start()];
        second.follow(&first);
        let proxy = Proxy::to(first.port());
        let store = open(proxy.port()).await;
        store.set("before", b"1".to_vec()).await.unwrap();
        let pair = Self {
            first,
            second,
            proxy,
        };
        (pair, store)
    }

    /// The replica takes over, and the primary becomes its replica, as after a failover by hand.
    fn fail_over(&self) {
        self.second.take_over();
        self.first.follow(&self.second);
    }
}

#[tokio::test]
async fn writes_go_to_the_new_primary_when_the_address_has_moved() {
    let (pair, store) = Pair::start().await;
    pair.fail_over();
    pair.proxy.lead_to(pair.second.port());

    // The connection still leads to the old one, which refuses each.
    let swap = store.compare_and_swap("swapped", None, b"1".to_vec()).await;
    assert_eq!(swap.unwrap(), SwapOutcome::Applied);
    store.set("set", b"1".to_vec()).await.unwrap();
    let pairs = vec![("many".to_owned(), b"1".to_vec())];
    store.set_many(pairs).await.unwrap();
    assert_eq!(store.increment("n", 1).await.unwrap(), 1);

    let second = open(pair.second.port()).await;
    for key in ["swapped", "set", "many"] {
        assert_eq!(second.get(key).await.unwrap().unwrap(), b"1", "`{key}`");
    }
}

#[tokio::test]
async fn a_write_waits_a_little_for_the_address_to_move() {
    let (pair, store) = Pair::start().await;
    pair.fail_over();
    let move_when_refused = async {
        until(|| pair.first.information("errorstats").contains("READONLY")).await;
        pair.proxy.lead_to(pair.second.port());
    };
    let (sum, ()) = tokio::join!(store.increment("n", 1), move_when_refused);
    // Each refusal was one: it is not counted twice.
    assert_eq!(sum.unwrap(), 1);
}

#[tokio::test]
async fn a_replica_refuses_in_bounded_time_and_nothing_is_written() {
    let (pair, store) = Pair::start().await;
    pair.fail_over();
    let calls = async {
        for _ in 0..2 {
            let error = store.set("a", b"1".to_vec()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
            let swap = store.compare_and_swap("a", None, b"1".to_vec()).await;
            assert_eq!(swap.unwrap_err().kind(), ErrorKind::Busy);
        }
    };
    let bounded = tokio::time::timeout(CALL_MAX, calls).await;
    bounded.expect("calls come back");
    pair.proxy.lead_to(pair.second.port());
    assert_eq!(store.get("a").await.unwrap(), None);
    store.set("a", b"2".to_vec()).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_call() {
    let server = RedisServer::start();
    let store = open(server.port()).await;
    for n in 1..=3 {
        assert_eq!(store.increment("n", 1).await.unwrap(), n);
        server.close_connections();
        // A connection in steady use needs no question: only an idle one is asked.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_read_is_repeated_when_its_answer_is_lost() {
    let server = RedisServer::start();
    let store = open(server.port()).await;
    store.set("a", b"1".to_vec()).await.unwrap();
    for _ in 0..100 {
        server.close_connections();
        assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
    }
}

#[tokio::test]
async fn a_write_without_an_answer_is_not_repeated() {
    let server = RedisServer::start();
    let store = open(server.port()).await;
    assert_eq!(store.increment("n", 1).await.unwrap(), 1);
    server.pause();
    let error = store.increment("n", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "it may have happened");
    server.resume();
    let count = || async { answered(&store, "n").await.unwrap() };
    while count().await == b"1" {}
    assert_eq!(count().await, b"2");
}

#[tokio::test]
async fn a_full_server_refuses_writes_and_goes_on_reading() {
    let server = RedisServer::start();
    let store = open(server.port()).await;
    store.set("a", b"1".to_vec()).await.unwrap();
    server.set("maxmemory", "1");
    let began = Instant::now();
    let set = store.set("a", b"2".to_vec()).await.unwrap_err();
    assert_eq!(set.kind(), ErrorKind::Busy, "{set}");
    assert!(set.to_string().contains("OOM"), "{set}");
    let swap = store
        .compare_and_swap("a", Some(b"1"), b"2".to_vec())
        .await
        .unwrap_err();
    assert_eq!(swap.kind(), ErrorKind::Busy, "{swap}");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "nothing to wait for"
    );
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");

    server.set("maxmemory", "0");
    store.set("a", b"2".to_vec()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_reads_its_data_is_waited_for() {
    let server = RedisServer::start_with(&[
        "--enable-debug-command",
        "local",
        "--loading-process-events-interval-bytes",
        "1024",
    ]);
    let store = open(server.port()).await;
    let pairs = (0..300).map(|n| (format!("k{n}"), vec![b'x'; 200]));
    store.set_many(pairs.collect()).await.unwrap();
    server.set("key-load-delay", "3000");
    let mut reloading = server.connect();
    let reload = std::thread::spawn(move || {
        let () = redis::cmd("DEBUG")
            .arg("RELOAD")
            .query(&mut reloading)
            .unwrap();
    });
    until(|| server.information("persistence").contains("loading:1")).await;
    let written = async {
        // Nothing is written while it is refused.
        while let Err(error) = store.increment("n", 1).await {
            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        }
    };
    let written = tokio::time::timeout(CALL_MAX, written).await;
    written.expect("the server is used again");
    reload.join().unwrap();
    assert_eq!(store.increment("n", 0).await.unwrap(), 1);
}

#[tokio::test]
async fn a_password_that_is_set_later_is_asked_for_until_it_is_right() {
    let server = RedisServer::start();
    let store = open(server.port()).await;
    store.set("a", b"1".to_vec()).await.unwrap();
    let mut operator = server.connect();
    let mut require = |password: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("requirepass").arg(password);
        let () = set.query(&mut operator).unwrap();
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("TYPE").arg("normal");
        let _: u64 = kill.query(&mut operator).unwrap();
    };
    require("secret");
    // The first may meet the connection that was closed.
    let _ = store.set("a", b"2".to_vec()).await;
    let error = store.set("a", b"2".to_vec()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(error.to_string().contains("NOAUTH"), "{error}");
    require("");
    answered(&store, "a").await;
    store.set("a", b"3".to_vec()).await.unwrap();
}

#[tokio::test]
async fn a_way_that_goes_nowhere_is_given_up_and_found_again() {
    let server = RedisServer::start();
    let proxy = Proxy::to(server.port());
    let store = open(proxy.port()).await;
    store.set("a", b"1".to_vec()).await.unwrap();
    proxy.cut();
    let calls = async {
        for _ in 0..3 {
            assert!(store.set("a", b"2".to_vec()).await.is_err());
            assert!(store.get("a").await.is_err());
        }
    };
    let bounded = tokio::time::timeout(CALL_MAX, calls).await;
    bounded.expect("calls come back");
    proxy.mend();
    answered(&store, "a").await;
    store.set("a", b"3".to_vec()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"3");
}

/// Waits for a server to say something, which it tells nobody by itself.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn open(port: u16) -> Arc<dyn Store> {
    let url = format!("redis://127.0.0.1:{port}/0");
    let labels = [("default".to_owned(), Backend::Redis(address(&url)))];
    let stores = Stores::open(labels, SizeLimits::default()).await;
    let stores = stores.expect("the store opens");
    stores.store("default").expect("the label is open")
}
