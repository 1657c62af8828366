//! One run of a test: a store under given conditions, a clock, and tasks that interleave by seed.

use std::rc::Rc;

use orders::{Claimant, Key, OrderId, Record, Status, Submission, Timestamp, Token};

use super::audited::AuditedStore;
use super::conditions::Conditions;
use super::faulty::{Connection, FaultyStore};
use super::random::Random;
use super::sample::{ATTEMPTS_MAX, LEASE_MS, START, order};
use super::scheduler::{Clock, Outcome, Scheduler};

/// A way to the store of a [`World`].
pub type Line = Connection<AuditedStore>;

/// Everything that a run consists of. Clones are the same world.
#[derive(Clone)]
pub struct World {
    /// What goes wrong here.
    pub conditions: Conditions,
    /// The time.
    pub clock: Clock,
    /// The store that all share.
    pub store: Rc<FaultyStore<AuditedStore>>,
    /// What is left to chance.
    pub random: Rc<Random>,
    scheduler: Rc<Scheduler>,
    seed: u64,
}

impl World {
    /// A world with an empty store.
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        let clock = Clock::new(START);
        let random = Random::new(seed);
        let audited = AuditedStore::default();
        let store = FaultyStore::new(audited, conditions, clock.clone(), random.number());
        Self {
            conditions,
            scheduler: Rc::new(Scheduler::new(clock.clone(), random.number())),
            clock,
            store,
            random: Rc::new(random),
            seed,
        }
    }

    /// A world in which nothing goes wrong.
    pub fn calm() -> Self {
        Self::new(Conditions::CALM, 0)
    }

    /// The same world from its beginning, with the same seed.
    pub fn again(&self) -> Self {
        Self::new(self.conditions, self.seed)
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

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh token.
    pub fn token(&self) -> Token {
        Token::new(self.random.bytes())
    }

    /// Somebody who has not claimed anything yet.
    pub fn claimant(&self) -> Claimant {
        Claimant {
            token: self.token(),
            lease_ms: LEASE_MS,
        }
    }

    /// An order that was never submitted before.
    pub fn submission(&self, body: &[u8]) -> Submission {
        let now = self.now();
        Submission {
            id: OrderId::new(now, self.random.bytes()),
            write: self.token(),
            order: order(body),
            owner: None,
            max_attempts: ATTEMPTS_MAX,
            traceparent: None,
            tracestate: None,
            baggage: None,
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

    /// The orders that have a record now.
    pub fn orders(&self) -> Vec<OrderId> {
        let keys = self.store.inner().keys_now();
        keys.into_iter()
            .filter_map(|key| match key {
                Key::Record(id) => Some(id),
                _ => None,
            })
            .collect()
    }

    /// The orders that have a marker now.
    pub fn open(&self) -> Vec<OrderId> {
        let keys = self.store.inner().keys_now();
        keys.into_iter()
            .filter_map(|key| match key {
                Key::Marker(id) => Some(id),
                _ => None,
            })
            .collect()
    }
}
