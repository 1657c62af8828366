//! Production code as a process of a model: stopped before each operation of the store, for as long as
//! the model likes.
//!
//! A future cannot be copied, as a model's states must be. But ours are told everything by the store: so
//! what a process was answered until now is all of its state, and it is brought back by running it again
//! from the beginning on the same answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use protocol::{Key, KeyPage, Snapshot, Store, StoreError, Swap};

/// A value.
pub type Value = Arc<[u8]>;

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contents {
    /// Values by their keys.
    pub values: BTreeMap<Key, Value>,
    /// Numbers by theirs.
    pub numbers: BTreeMap<Key, i64>,
}

/// What a process asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    Get(Key),
    /// As a right to swap it.
    Snapshot(Key),
    Set(Key, Value),
    Delete(Key),
    Swap(Key, Option<Value>, Value),
    Increment(Key, i64),
    KeysAfter(String),
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Value(Option<Value>),
    Number(i64),
    Keys(Vec<String>),
    Done,
    Failed,
}

/// How far a process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Progress<T> {
    Asks(Asked),
    Ends(T),
}

impl Contents {
    /// Does what is asked, as a sound store does it.
    pub fn answer(&mut self, asked: &Asked) -> Answer {
        match asked {
            Asked::Get(key) | Asked::Snapshot(key) => Answer::Value(self.values.get(key).cloned()),
            Asked::Set(key, value) => {
                self.values.insert(*key, value.clone());
                Answer::Done
            }
            Asked::Delete(key) => {
                self.values.remove(key);
                self.numbers.remove(key);
                Answer::Done
            }
            Asked::Swap(key, seen, value) => {
                if self.values.get(key) == seen.as_ref() {
                    self.values.insert(*key, value.clone());
                }
                Answer::Done
            }
            Asked::Increment(key, 0) => Answer::Number(self.number(key)),
            Asked::Increment(key, delta) => {
                let number = self.numbers.entry(*key).or_default();
                *number += delta;
                Answer::Number(*number)
            }
            Asked::KeysAfter(after) => {
                let mut keys: Vec<_> = self.values.keys().map(Key::to_string).collect();
                keys.retain(|key| key > after);
                keys.sort_unstable();
                Answer::Keys(keys)
            }
        }
    }

    /// The number of that key.
    pub fn number(&self, key: &Key) -> i64 {
        self.numbers.get(key).copied().unwrap_or_default()
    }

    /// Runs a process alone, to its end.
    pub fn run<T>(&mut self, process: &impl AsyncFn(&Replay) -> T) -> T {
        let mut log = Vec::new();
        loop {
            match Replay::run(&log, process) {
                Progress::Asks(asked) => log.push(self.answer(&asked)),
                Progress::Ends(end) => return end,
            }
        }
    }
}

/// The store of a process that is brought back.
pub struct Replay<'a> {
    log: &'a [Answer],
    answered: Cell<usize>,
    asked: RefCell<Option<Asked>>,
    /// Whether it looks for an earlier bid that is about to win.
    waits: Cell<bool>,
}

impl<'a> Replay<'a> {
    /// Runs `process` on these answers, and as far as they go.
    pub fn run<T>(log: &'a [Answer], process: &impl AsyncFn(&Replay) -> T) -> Progress<T> {
        let replay = Self {
            log,
            answered: Cell::default(),
            asked: RefCell::default(),
            waits: Cell::default(),
        };
        let ended = {
            let mut process = pin!(process(&replay));
            process
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        };
        match ended {
            Poll::Ready(end) => Progress::Ends(end),
            // OK because these processes wait for nothing but their store.
            Poll::Pending => Progress::Asks(replay.asked.take().expect("an operation")),
        }
    }

    async fn ask(&self, asked: Asked) -> Answer {
        self.waits.set(false);
        let number = self.answered.get();
        let Some(answer) = self.log.get(number) else {
            let other = self.asked.replace(Some(asked));
            assert_eq!(other, None, "two operations at once");
            return pending().await;
        };
        self.answered.set(number + 1);
        answer.clone()
    }

    async fn value(&self, asked: Asked) -> Result<Option<Value>, StoreError> {
        match self.ask(asked).await {
            Answer::Value(value) => Ok(value),
            other => Err(unexpected(&other)),
        }
    }

    async fn done(&self, asked: Asked) -> Result<(), StoreError> {
        match self.ask(asked).await {
            Answer::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}

/// Also what is answered to an operation that fails.
fn unexpected(answer: &Answer) -> StoreError {
    StoreError(format!("{answer:?}"))
}

/// A value as it was read.
pub struct Seen(Key, Option<Value>);

impl Snapshot for Seen {
    fn value(&self) -> Option<&[u8]> {
        self.1.as_deref()
    }
}

impl Store for Replay<'_> {
    type Snapshot = Seen;

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        // Who has got a number waits for earlier bidders. What it sees decides nothing, so it looks in
        // vain here until it has lost patience.
        if self.waits.get() {
            return Ok(None);
        }
        let value = self.value(Asked::Get(*key)).await?;
        Ok(value.map(|value| value.to_vec()))
    }

    async fn set(&self, key: &Key, value: &[u8]) -> Result<(), StoreError> {
        self.done(Asked::Set(*key, value.into())).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.done(Asked::Delete(*key)).await
    }

    async fn snapshot(&self, key: &Key) -> Result<Seen, StoreError> {
        Ok(Seen(*key, self.value(Asked::Snapshot(*key)).await?))
    }

    async fn swap(&self, Seen(key, seen): Seen, value: &[u8]) -> Result<Swap, StoreError> {
        // As some stores do it, whatever has become of it.
        self.done(Asked::Swap(key, seen, value.into())).await?;
        Ok(Swap::Refused)
    }

    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError> {
        match self.ask(Asked::Increment(*key, delta)).await {
            Answer::Number(number) => {
                self.waits.set(delta > 0);
                Ok(number)
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), StoreError> {
        if let Some(page) = self.keys_after("").await? {
            page.keys.iter().for_each(|key| visit(key));
        }
        Ok(())
    }

    async fn keys_after(&self, after: &str) -> Result<Option<KeyPage>, StoreError> {
        match self.ask(Asked::KeysAfter(after.to_owned())).await {
            Answer::Keys(keys) => Ok(Some(KeyPage {
                keys,
                is_last: true,
            })),
            other => Err(unexpected(&other)),
        }
    }

    /// Lists of orders are not modelled: they change nothing.
    async fn keys_before(&self, _: &str) -> Result<Option<KeyPage>, StoreError> {
        Ok(None)
    }
}
