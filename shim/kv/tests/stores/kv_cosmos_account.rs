//! Cosmos DB in particular: the layout that Spin shares, accounts that are not as they should be,
//! and several replicas in one account.

use crate::cosmos::{Account, Server};
use crate::fixture::Cosmos;
use futures::TryStreamExt;
use kv::{AccountKey, Backend, CosmosSettings, ErrorKind, SizeLimits, Store, Stores, SwapOutcome};
use serde_json::json;
use std::sync::Arc;

/// Opens one label, or says why not.
async fn open(settings: CosmosSettings) -> Result<Arc<dyn Store>, String> {
    let label = ("default".to_owned(), Backend::AzureCosmos(settings));
    let stores = Stores::open([label], SizeLimits::default()).await;
    let stores = stores.map_err(|error| error.to_string())?;
    Ok(stores.store("default").expect("it was opened"))
}

/// An account that is in order, and a store in it.
pub(crate) async fn account() -> (Server, Arc<dyn Store>) {
    let server = Server::start(Account::default());
    let store = store(&server).await;
    (server, store)
}

/// One more store in that account, as another replica has it.
pub(crate) async fn store(server: &Server) -> Arc<dyn Store> {
    let store = open(Cosmos::settings(&server.endpoint(), "default")).await;
    store.expect("the account is in order")
}

/// Why a container of `account` does not open, with settings that `change` has changed.
async fn refusal(account: Account, change: impl FnOnce(&mut CosmosSettings)) -> String {
    let server = Server::start(account);
    let mut settings = Cosmos::settings(&server.endpoint(), "default");
    change(&mut settings);
    open(settings).await.err().expect("it does not open")
}

mod layout {
    use super::*;

    #[tokio::test]
    async fn spin_finds_what_this_host_writes() {
        let (server, store) = account().await;
        store.set("a", b"hi".to_vec()).await.unwrap();
        let swap = store.compare_and_swap("b", None, b"yo".to_vec()).await;
        assert_eq!(swap.unwrap(), SwapOutcome::Applied);
        assert_eq!(store.increment("n", 41).await.unwrap(), 41);
        assert_eq!(store.increment("n", 1).await.unwrap(), 42);
        let members = |id: &str| {
            let mut stored = server.stored(id).expect("it is stored");
            let members = stored.as_object_mut().expect("it is an object");
            members.retain(|name, _| !name.starts_with('_'));
            stored
        };
        assert_eq!(members("a"), json!({ "id": "a", "value": [104, 105] }));
        assert_eq!(members("b"), json!({ "id": "b", "value": [121, 111] }));
        assert_eq!(members("n"), json!({ "id": "n", "value": 42 }));
    }

    #[tokio::test]
    async fn this_host_finds_what_spin_writes() {
        let (server, store) = account().await;
        server.put_foreign("a", json!({ "id": "a", "value": [104, 105] }));
        server.put_foreign("n", json!({ "id": "n", "value": 41 }));
        assert_eq!(store.get("a").await.unwrap().unwrap(), b"hi");
        assert_eq!(store.increment("n", 1).await.unwrap(), 42);
        let swap = store.compare_and_swap("a", Some(b"hi"), b"yo".to_vec());
        assert_eq!(swap.await.unwrap(), SwapOutcome::Applied);
    }

    #[tokio::test]
    async fn what_no_store_writes_is_told_and_left_alone() {
        let (server, store) = account().await;
        server.put_foreign("a", json!({ "id": "a", "text": "hi" }));
        let error = store.get("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(
            error.to_string(),
            "the value of key `a` is of type nothing, expected an array of bytes",
        );
        let swap = store.compare_and_swap("a", Some(b"hi"), b"yo".to_vec());
        assert_eq!(swap.await.unwrap_err().kind(), ErrorKind::Data);
        assert_eq!(server.stored("a").unwrap()["text"], "hi");
    }

    #[tokio::test]
    async fn a_key_that_would_change_the_path_goes_nowhere() {
        let (server, store) = account().await;
        server.clear_log();
        for key in ["../default", "..", "a?b", "a#b"] {
            let refusals = [
                store.get(key).await.map(drop),
                store.delete(key).await,
                store.increment(key, 1).await.map(drop),
                store.set_many(vec![(key.to_owned(), Vec::new())]).await,
                store.delete_many(vec![key.to_owned()]).await,
            ];
            for refusal in refusals {
                assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Invalid);
            }
        }
        assert_eq!(server.log(), [""; 0]);
    }
}

mod opening {
    use super::*;

    #[tokio::test]
    async fn two_labels_do_not_share_a_container() {
        let server = Server::start(Account::default());
        let labels = ["default", "other"].map(|label| {
            let settings = Cosmos::settings(&server.endpoint(), "default");
            (label.to_owned(), Backend::AzureCosmos(settings))
        });
        let error = Stores::open(labels, SizeLimits::default()).await.err();
        assert_eq!(
            error.expect("it does not open").to_string(),
            "cannot open Cosmos DB container `default` of database `orders` in account `shop`: \
             labels `default` and `other` would both be in it; give each a container of its own",
        );
    }

    #[tokio::test]
    async fn a_wrong_key_is_told_without_showing_it() {
        let wrong = "YW5vdGhlciBrZXk=";
        let refusal = refusal(Account::default(), |settings| {
            settings.key = Some(AccountKey::from(wrong.to_owned()));
        });
        let refusal = refusal.await;
        assert!(
            refusal.ends_with(
                ": the account does not accept its `key`; \
                 set `key` to the account's primary or secondary key"
            ),
            "{refusal}",
        );
        assert!(!refusal.contains(wrong), "{refusal}");
    }

    #[tokio::test]
    async fn a_key_that_is_no_key_is_told_without_showing_it() {
        let refusal = refusal(Account::default(), |settings| {
            settings.key = Some(AccountKey::from("no base64!".to_owned()));
        });
        let refusal = refusal.await;
        assert!(refusal.contains("its `key` cannot sign"), "{refusal}");
        assert!(!refusal.contains("no base64!"), "{refusal}");
    }

    #[tokio::test]
    async fn a_missing_database_or_container_is_told() {
        for missing in ["database", "container"] {
            let refusal = refusal(Account::default(), |settings| match missing {
                "database" => settings.database = "none".to_owned(),
                _ => settings.container = "none".to_owned(),
            });
            let refusal = refusal.await;
            assert!(
                refusal.ends_with(
                    ": there is no such database or container; create it with partition key \
                     `/id`, or correct `database` and `container`"
                ),
                "{refusal}",
            );
        }
    }

    #[tokio::test]
    async fn another_partition_key_is_told() {
        let account = Account {
            partition_key: "/customer",
            ..Account::default()
        };
        let refusal = refusal(account, |_| ()).await;
        assert!(
            refusal.contains(": its partition key is `/customer`, expected `/id`; create"),
            "{refusal}",
        );
    }

    #[tokio::test]
    async fn several_write_regions_are_refused() {
        let regions = vec!["West Europe", "East US"];
        let account = Account {
            write_regions: regions.clone(),
            read_regions: regions,
            ..Account::default()
        };
        let refusal = refusal(account, |_| ()).await;
        assert!(
            refusal.contains("takes writes in several regions (West Europe, East US)"),
            "{refusal}",
        );
        assert!(
            refusal.ends_with("; turn off its multi-region writes"),
            "{refusal}",
        );
    }
}

mod replicas {
    use super::*;

    #[tokio::test]
    async fn one_reads_what_another_was_told_is_written() {
        for consistency in ["Strong", "BoundedStaleness", "Session", "Eventual"] {
            let server = Server::start(Account {
                consistency,
                ..Account::default()
            });
            let [one, another] = [store(&server).await, store(&server).await];
            one.set("a", b"1".to_vec()).await.unwrap();
            assert_eq!(another.get("a").await.unwrap().unwrap(), b"1");
            another.set("a", b"2".to_vec()).await.unwrap();
            assert_eq!(one.get("a").await.unwrap().unwrap(), b"2");
            let keys: Vec<_> = another.keys().try_collect().await.unwrap();
            assert_eq!(keys.concat(), ["a"]);
            one.delete("a").await.unwrap();
            assert!(!another.exists("a").await.unwrap());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn increments_of_several_all_count() {
        const TIMES: i64 = 20;
        let server = Server::start(Account::default());
        let mut replicas = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let store = store(&server).await;
            replicas.spawn(async move {
                let mut sums = Vec::new();
                for _ in 0..TIMES {
                    sums.push(store.increment("n", 1).await.unwrap());
                }
                sums
            });
        }
        let mut sums = replicas.join_all().await.concat();
        sums.sort_unstable();
        assert_eq!(sums, (1..=3 * TIMES).collect::<Vec<_>>());
    }
}
