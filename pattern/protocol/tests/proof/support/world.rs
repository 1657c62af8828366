//! One run of a test: a store under given conditions, a clock, and tasks that interleave by seed.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use protocol::{
    Claimant, Key, Notification, OrderId, Record, Status, Submission, Timestamp, Token,
};

use super::audited::AuditedStore;
use super::conditions::Conditions;
use super::faulty::{Connection, FaultyStore};
use super::random::Random;
use super::sample::{ATTEMPTS_MAX, LEASE_MS, START, order};
use super::scheduler::{Clock, Outcome, Scheduler};

/// How far a clock may be off, in milliseconds, to either side.
const CLOCK_OFF_MS: i64 = 90_000;
/// In how many of a hundred looks at it a wrong clock jumps.
const JUMP_PERCENT: u64 = 3;

/// A way to the store of a [`World`].
pub type Line = Connection<AuditedStore>;

/// Everything that a run consists of, as one process sees it. Clones are the same process.
#[derive(Clone)]
pub struct World {
    /// What goes wrong here.
    pub conditions: Conditions,
    /// The true time.
    pub clock: Clock,
    /// The store that all share.
    pub store: Rc<FaultyStore<AuditedStore>>,
    /// What is left to chance.
    pub random: Rc<Random>,
    /// Of a hundred orders, how many are to be told of.
    pub told_percent: Rc<Cell<u64>>,
    /// Of a hundred deliveries, how many come to nothing, or whose answer does.
    pub deaf_percent: Rc<Cell<u64>>,
    scheduler: Rc<Scheduler>,
    seed: u64,
    /// How far this process's own clock is off, in milliseconds; it jumps if it is wrong.
    off_ms: Rc<Cell<i64>>,
    jumps: bool,
}

impl World {
    /// A world with an empty store.
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        let clock = Clock::new(START);
        let random = Random::new(seed);
        let audited = AuditedStore::new(clock.clone());
        let store = FaultyStore::new(audited, conditions, clock.clone(), random.number());
        Self {
            conditions,
            scheduler: Rc::new(Scheduler::new(clock.clone(), random.number())),
            clock,
            store,
            random: Rc::new(random),
            told_percent: Rc::default(),
            deaf_percent: Rc::default(),
            seed,
            off_ms: Rc::default(),
            jumps: false,
        }
    }

    /// A world in which nothing goes wrong.
    pub fn calm() -> Self {
        Self::new(Conditions::CALM, 0)
    }

    /// The same world, of whose orders so many of a hundred are to be told of.
    #[must_use]
    pub fn telling(self, told_percent: u64) -> Self {
        self.told_percent.set(told_percent);
        self
    }

    /// The same world from its beginning, with the same seed.
    pub fn again(&self) -> Self {
        let again = Self::new(self.conditions, self.seed);
        again.told_percent.set(self.told_percent.get());
        again.deaf_percent.set(self.deaf_percent.get());
        again
    }

    /// Another process in the same world. Where clocks are wrong, it has a wrong one of its own.
    pub fn process(&self) -> Self {
        let process = self.with_clock_off(0);
        if self.conditions.clocks {
            process.off_ms.set(self.wrong_ms());
        }
        Self {
            jumps: self.conditions.clocks,
            ..process
        }
    }

    /// Another process in the same world, whose clock is off by `off_ms`.
    pub fn with_clock_off(&self, off_ms: i64) -> Self {
        Self {
            off_ms: Rc::new(Cell::new(off_ms)),
            jumps: false,
            ..self.clone()
        }
    }

    fn wrong_ms(&self) -> i64 {
        let wrong_ms = self.random.below(2 * CLOCK_OFF_MS.unsigned_abs());
        // OK because it is some minutes.
        i64::try_from(wrong_ms).expect("some minutes") - CLOCK_OFF_MS
    }

    /// A new way to the store.
    pub fn connect(&self) -> Line {
        Connection::new(Rc::clone(&self.store))
    }

    /// Adds a task, which goes on when the world is [`run`](Self::run).
    pub fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> Outcome<T> {
        self.scheduler.spawn(task)
    }

    /// Runs all tasks to their end.
    pub fn run(&self) {
        self.scheduler.run();
    }

    /// Runs `task`, and all others, to their end.
    pub fn complete<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> T {
        let outcome = self.spawn(task);
        self.run();
        outcome.take()
    }

    /// Lets time pass.
    pub fn pass_ms(&self, ms: u64) {
        let clock = self.clock.clone();
        self.complete(async move { clock.sleep(ms).await });
    }

    /// The time by the process's own clock.
    pub fn now(&self) -> Timestamp {
        if self.jumps && self.random.chance(JUMP_PERCENT) {
            self.off_ms.set(self.wrong_ms());
        }
        let now_ms = self.clock.now().as_unix_ms();
        Timestamp::from_unix_ms(now_ms.saturating_add_signed(self.off_ms.get()))
    }

    /// A fresh token.
    pub fn token(&self) -> Token {
        Token::new(self.random.bytes())
    }

    /// Somebody who has not claimed anything yet, alone in its instance.
    pub fn claimant(&self) -> Claimant {
        Claimant {
            token: self.token(),
            lease_ms: LEASE_MS,
            alone: true,
            tenure: None,
        }
    }

    /// An order that was never submitted before.
    pub fn submission(&self, body: &[u8]) -> Submission {
        let now = self.now();
        let told_percent = self.told_percent.get();
        // Drawn only where it matters, so that other runs stay as they are.
        let is_told_of = told_percent > 0 && self.random.chance(told_percent);
        Submission {
            id: OrderId::new(now, self.random.bytes(), None),
            write: self.token(),
            order: order(body),
            owner: None,
            max_attempts: ATTEMPTS_MAX,
            traceparent: None,
            tracestate: None,
            baggage: None,
            notification: is_told_of.then(Box::<Notification>::default),
            now,
        }
    }

    /// The record of `id` as it is stored now.
    pub fn record(&self, id: OrderId) -> Record {
        self.store
            .inner()
            .record(id)
            .unwrap_or_else(|| panic!("order `{id}` is lost"))
    }

    /// The status of `id` as it is stored now.
    pub fn status(&self, id: OrderId) -> Status {
        self.record(id).status()
    }

    /// Whether `key` has a value now.
    pub fn has(&self, key: Key) -> bool {
        self.store.inner().has(&key)
    }

    /// The orders that have a record now, wherever.
    pub fn orders(&self) -> BTreeSet<OrderId> {
        let keys = self.store.inner().keys_now();
        keys.into_iter()
            .filter_map(|key| match key {
                Key::Open(id) | Key::Ended(id) => Some(id),
                _ => None,
            })
            .collect()
    }

    /// The orders that have a record among the open ones now.
    pub fn open(&self) -> Vec<OrderId> {
        let keys = self.store.inner().keys_now();
        keys.into_iter()
            .filter_map(|key| match key {
                Key::Open(id) => Some(id),
                _ => None,
            })
            .collect()
    }

    /// What is there for idempotency keys now.
    pub fn bids(&self) -> Vec<Key> {
        let keys = self.store.inner().keys_now();
        keys.into_iter()
            .filter(|key| matches!(key, Key::Bid(..) | Key::Bids(_)))
            .collect()
    }
}
