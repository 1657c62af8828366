//! What holds of the back ends that outlast a process.
//!
//! The process that is killed is this test binary, run again for the one test
//! `writes_until_killed`, which tells on its standard output what was acknowledged to it.

use crate::fixture::{Durable, Labels};
use futures::TryStreamExt;
use kv::{Error, Store, SwapOutcome};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Makes a test module of the whole suite for the fixture `$fixture`.
macro_rules! suite {
    ($module:ident, $fixture:ty) => {
        mod $module {
            use super::*;
            use crate::fixture::{Durable, Fixture};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn everything_survives_a_reopening() {
                durability::everything_survives_a_reopening(&<$fixture>::new()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn what_was_acknowledged_survives_kills() {
                let helper = concat!(stringify!($module), "::writes_until_killed");
                durability::what_was_acknowledged_survives_kills(&<$fixture>::new(), helper).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "the process that `what_was_acknowledged_survives_kills` kills"]
            async fn writes_until_killed() {
                if let Some(fixture) = <$fixture>::inherited() {
                    durability::writes_until_killed(&fixture).await;
                }
            }
        }
    };
}
pub(crate) use suite;

/// How many times the process is killed.
const KILLS: usize = 5;
/// How many writes it has acknowledged when it is.
const ACKNOWLEDGED_MIN: usize = 500;
/// How many tasks it writes in.
const WRITERS: usize = 16;

pub(crate) async fn everything_survives_a_reopening(fixture: &impl Durable) {
    let labels = fixture.open().await;
    let store = labels.default();
    store.set("set", b"1".to_vec()).await.unwrap();
    store.set("deleted", b"1".to_vec()).await.unwrap();
    store.delete("deleted").await.unwrap();
    store.increment("n", 41).await.unwrap();
    let swap = store.compare_and_swap("swapped", None, b"2".to_vec()).await;
    assert_eq!(swap.unwrap(), SwapOutcome::Applied);
    labels.other().set("set", b"other".to_vec()).await.unwrap();
    drop(store);
    labels.stores.close().await;

    let labels = fixture.open().await;
    let store = labels.default();
    assert_eq!(store.get("set").await.unwrap().unwrap(), b"1");
    assert_eq!(store.get("deleted").await.unwrap(), None);
    assert_eq!(store.increment("n", 1).await.unwrap(), 42);
    assert_eq!(store.get("swapped").await.unwrap().unwrap(), b"2");
    let other = labels.other().get("set").await;
    assert_eq!(other.unwrap().unwrap(), b"other");
    let batches: Vec<_> = store.keys().try_collect().await.unwrap();
    assert_eq!(batches.concat().len(), 3);
}

pub(crate) async fn what_was_acknowledged_survives_kills(fixture: &impl Durable, helper: &str) {
    let mut acknowledged = BTreeMap::new();
    for _ in 0..KILLS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([helper, "--exact", "--ignored", "--nocapture"]);
        fixture.bequeath(&mut command);
        let mut writer = Killed(command.stdout(Stdio::piped()).spawn().unwrap());

        let lines = BufReader::new(writer.0.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            let line = line.unwrap();
            // The test harness prints lines of its own.
            let Some((key, value)) = line
                .strip_prefix("ack ")
                .and_then(|ack| ack.split_once(' '))
            else {
                continue;
            };
            acknowledged.insert(key.to_owned(), value.to_owned());
            seen += 1;
            if seen == ACKNOWLEDGED_MIN {
                // From here on the loop reads what was written to the pipe before the kill.
                writer.0.kill().unwrap();
            }
        }
        assert!(seen >= ACKNOWLEDGED_MIN, "the writer ended by itself");
        check(&fixture.open().await, &acknowledged).await;
    }
}

/// Writes without end, and tells each write after it was acknowledged.
pub(crate) async fn writes_until_killed(fixture: &impl Durable) {
    let labels = fixture.open().await;
    // The test harness has begun a line.
    println!();
    let writers: JoinSet<_> = (0..WRITERS)
        .map(|writer| write_on(labels.default(), writer))
        .collect();
    writers.join_all().await;
}

/// Ends when nobody reads any more, so that no process is left behind if the test fails.
async fn write_on(store: Arc<dyn Store>, writer: usize) -> Result<(), Error> {
    let run = std::process::id();
    let mut expected: Option<Vec<u8>> = None;
    for n in 0.. {
        let value = format!("{n}_{}", "v".repeat(600));
        let (created, swapped, counted) = (
            format!("set_{run}_{writer}_{n}"),
            format!("swap_{run}_{writer}"),
            format!("count_{writer}"),
        );
        store.set(&created, value.clone().into()).await?;
        let told = tell(&created, &value);
        let swap = store
            .compare_and_swap(&swapped, expected.as_deref(), value.clone().into())
            .await?;
        assert_eq!(swap, SwapOutcome::Applied);
        let told = told.and_then(|()| tell(&swapped, &value));
        let sum = store.increment(&counted, 1).await?;
        if told
            .and_then(|()| tell(&counted, &sum.to_string()))
            .is_err()
        {
            break;
        }
        expected = Some(value.into());
    }
    Ok(())
}

fn tell(key: &str, value: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "ack {key} {value}")
}

/// Everything that was acknowledged is there, or something later that may have been written and
/// not told: the number at the head of a value never falls.
async fn check(labels: &Labels, acknowledged: &BTreeMap<String, String>) {
    let store = labels.default();
    for (key, value) in acknowledged {
        let told = number(value);
        let found = if key.starts_with("count_") {
            store.increment(key, 0).await.unwrap()
        } else {
            let found = store.get(key).await.unwrap();
            let found = String::from_utf8(found.unwrap_or_else(|| panic!("`{key}` is lost")));
            number(&found.unwrap())
        };
        let exact = key.starts_with("set_");
        assert!(
            found == told || (found > told && !exact),
            "`{key}` holds {found}, expected {told}",
        );
    }
}

fn number(value: &str) -> i64 {
    value.split('_').next().unwrap().parse().unwrap()
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
