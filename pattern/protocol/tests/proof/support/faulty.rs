//! A store around any store that fails as it is told.
//!
//! Everybody has a [`Connection`] of their own to one [`FaultyStore`]. Faults strike by
//! chance, from a seed, or at one operation of one connection; a connection can also die at
//! an operation, with the task that uses it, or stand still there for as long as one likes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use protocol::{Key, KeyPage, OrderId, Snapshot, Store, StoreError, Swap};

use super::conditions::Conditions;
use super::fault::{Fault, Operation, Quirk};
use super::mortal::Life;
use super::random::Random;
use super::sample::{KEPT_MS, LEASE_MS};
use super::scheduler::{Clock, pass};

/// In how many of a hundred operations that a fault can strike it does.
const FAULT_PERCENT: u64 = 12;
/// The longest delay of an operation by [`Fault::Delays`], in milliseconds.
const DELAY_MS_MAX: u64 = 250;
/// In how many of a thousand operations a process pauses, if it does so by chance: twice in each.
const PAUSE_PERMILLE: u64 = 15;
/// For how long, in milliseconds: longer than a dispatch is waited for, than an earlier creator is, than a
/// lease lasts, and than what ended is kept.
const PAUSES_MS: [u64; 4] = [
    protocol::DISPATCH_GRACE_MS + 500,
    protocol::TAKEOVER_MS + 12_000,
    LEASE_MS + 5_000,
    KEPT_MS + 60_000,
];
/// How long after its error an operation is applied, at most, in milliseconds.
pub const LATE_MS_MAX: u64 = 1_000;

/// A store that is shared by all connections, and what is the matter with it.
pub struct FaultyStore<S: Store> {
    inner: S,
    conditions: Conditions,
    clock: Clock,
    random: Random,
    /// Whether it vouches for its swaps.
    swaps_exactly: bool,
    /// Whether faults strike by chance. Quirks are there always.
    troubled: Cell<bool>,
    late: RefCell<Vec<(u64, Late<S>)>>,
    /// The sums of the counters, which the port gives no way to read.
    sums: RefCell<BTreeMap<Key, i64>>,
    struck: Cell<u64>,
    /// The longest that anybody pauses, in milliseconds.
    pause_ms_max: Cell<u64>,
    spent: RefCell<Spent>,
}

/// What was asked of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// How many values were read.
    pub reads: usize,
    /// How many keys were listed.
    pub keys: usize,
    /// The orders whose records were read.
    pub orders: BTreeSet<OrderId>,
}

impl Spent {
    fn read(&mut self, key: &Key) {
        self.reads += 1;
        if let Key::Open(id) | Key::Ended(id) = key {
            self.orders.insert(*id);
        }
    }
}

/// A write that reported an error and is yet to be applied.
enum Late<S: Store> {
    Set(Key, Vec<u8>),
    Delete(Key),
    Swap(FaultySnapshot<S>, Vec<u8>),
    Increment(Key, i64),
}

/// A value as it was read through a connection.
pub struct FaultySnapshot<S: Store> {
    key: Key,
    inner: S::Snapshot,
}

impl<S: Store<Snapshot: Clone>> Clone for FaultySnapshot<S> {
    fn clone(&self) -> Self {
        Self {
            key: self.key,
            inner: self.inner.clone(),
        }
    }
}

impl<S: Store> Snapshot for FaultySnapshot<S> {
    fn value(&self) -> Option<&[u8]> {
        self.inner.value()
    }
}

impl<S: Store<Snapshot: Clone>> FaultyStore<S> {
    /// A store around `inner` that fails as `conditions` and `seed` say.
    pub fn new(inner: S, conditions: Conditions, clock: Clock, seed: u64) -> Rc<Self> {
        Rc::new(Self {
            inner,
            conditions,
            clock,
            swaps_exactly: conditions.may_vouch_for_swaps() && seed.is_multiple_of(2),
            random: Random::new(seed),
            troubled: Cell::new(true),
            late: RefCell::default(),
            sums: RefCell::default(),
            struck: Cell::new(0),
            pause_ms_max: Cell::new(u64::MAX),
            spent: RefCell::default(),
        })
    }

    /// The store inside, which does not fail.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How often a fault has struck.
    pub fn struck(&self) -> u64 {
        self.struck.get()
    }

    /// What was asked of it since this was asked last.
    pub fn spent(&self) -> Spent {
        self.spent.take()
    }

    /// From now on nobody pauses for longer than `ms` milliseconds.
    pub fn pause_at_most(&self, ms: u64) {
        self.pause_ms_max.set(ms);
    }

    /// From now on no fault strikes by chance, and nobody pauses.
    pub fn calm(&self) {
        self.troubled.set(false);
    }

    fn chance(&self, operation: Operation) -> Option<Fault> {
        let fault = self.conditions.fault?;
        let strikes = self.troubled.get()
            && fault.strikes(operation)
            && (fault == Fault::Delays || self.random.chance(FAULT_PERCENT));
        strikes.then_some(fault)
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.conditions.quirk == Some(quirk)
    }

    fn postpone(&self, write: Late<S>) {
        let due_ms = self.clock.now().as_unix_ms() + self.random.below(LATE_MS_MAX);
        self.late.borrow_mut().push((due_ms, write));
    }

    /// Applies the late writes whose time has come.
    async fn apply_late(&self) -> Result<(), StoreError> {
        loop {
            let now_ms = self.clock.now().as_unix_ms();
            let due = |(due_ms, _): &(u64, _)| *due_ms <= now_ms;
            let index = self.late.borrow().iter().position(due);
            let Some(index) = index else { return Ok(()) };
            let (_, write) = self.late.borrow_mut().swap_remove(index);
            match write {
                Late::Set(key, value) => self.inner.set(&key, &value).await?,
                Late::Delete(key) => self.delete(&key).await?,
                Late::Swap(snapshot, value) => drop(self.swap(snapshot, &value).await?),
                Late::Increment(key, delta) => drop(self.increment(&key, delta).await?),
            }
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.sums.borrow_mut().remove(key);
        self.inner.delete(key).await
    }

    async fn swap(&self, snapshot: FaultySnapshot<S>, value: &[u8]) -> Result<Swap, StoreError> {
        if self.has(Quirk::SqliteSwapOfAbsentKeyOverwrites) && snapshot.value().is_none() {
            self.inner.set(&snapshot.key, value).await?;
            return Ok(Swap::Applied);
        }
        let truth = self.inner.swap(snapshot.inner, value).await?;
        Ok(if self.has(Quirk::RedisSwapAlwaysReportsFailure) {
            Swap::Refused
        } else if self.has(Quirk::RedisAbortedSwapReportsSuccess) {
            Swap::Applied
        } else {
            truth
        })
    }

    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError> {
        let was_absent = !self.sums.borrow().contains_key(key);
        // Two requests to Cosmos, with others in between.
        pass().await;
        let sum = self.inner.increment(key, delta).await?;
        self.sums.borrow_mut().insert(*key, sum);
        pass().await;
        Ok(if self.has(Quirk::CosmosIncrementMayRepeatNumbers) {
            self.sums.borrow().get(key).copied().unwrap_or(sum)
        } else if self.has(Quirk::CosmosIncrementAfterConflictReturnsDelta) && was_absent {
            delta
        } else {
            sum
        })
    }
}

/// Where in a task's operations its process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// At which operation, from 0.
    pub operation: usize,
    /// Whether the operation is still applied.
    pub applied: bool,
}

/// One task's way to the store.
pub struct Connection<S: Store> {
    store: Rc<FaultyStore<S>>,
    life: Life,
    operations: Cell<usize>,
    death: Option<Death>,
    strike: Option<(usize, Fault)>,
    standstill: Option<(usize, u64)>,
}

impl<S: Store<Snapshot: Clone>> Connection<S> {
    /// A connection that fails only as the store does.
    pub fn new(store: Rc<FaultyStore<S>>) -> Self {
        Self {
            store,
            life: Life::default(),
            operations: Cell::new(0),
            death: None,
            strike: None,
            standstill: None,
        }
    }

    /// Dies at `death`.
    pub fn dying_at(mut self, death: Death) -> Self {
        self.death = Some(death);
        self
    }

    /// Is struck by `fault` at its operation number `operation`, from 0.
    pub fn struck_at(mut self, operation: usize, fault: Fault) -> Self {
        self.strike = Some((operation, fault));
        self
    }

    /// Stands still for `ms` milliseconds before its operation number `operation`, from 0, is applied.
    pub fn standing_still_at(mut self, operation: usize, ms: u64) -> Self {
        self.standstill = Some((operation, ms));
        self
    }

    /// The life of the process that this connection belongs to.
    pub fn life(&self) -> Life {
        self.life.clone()
    }

    /// Lets others go on, and says which fault strikes this operation.
    /// A page of keys in order, unless the store has none.
    async fn page(
        &self,
        page: impl Future<Output = Result<Option<KeyPage>, StoreError>>,
    ) -> Result<Option<KeyPage>, StoreError> {
        let step = self.begin(Operation::Keys).await?;
        let page = if self.store.has(Quirk::ListsInAnyOrder) {
            None
        } else {
            page.await?
        };
        self.store.spent.borrow_mut().keys += page.as_ref().map_or(0, |page| page.keys.len());
        self.end(step).await?;
        Ok(page)
    }

    async fn begin(&self, operation: Operation) -> Result<Step, StoreError> {
        let number = self.operations.replace(self.operations.get() + 1);
        let planned = self
            .strike
            .and_then(|(at, fault)| (at == number && fault.strikes(operation)).then_some(fault));
        let fault = planned.or_else(|| self.store.chance(operation));
        self.store
            .struck
            .set(self.store.struck.get() + u64::from(fault.is_some()));
        self.wait(fault).await;
        if let Some((at, ms)) = self.standstill
            && at == number
        {
            self.store.clock.sleep(ms).await;
        }
        self.die_if(number, false).await;
        self.store.apply_late().await?;
        if fault == Some(Fault::FailsBeforeApplying) {
            return Err(StoreError("nothing was done".to_owned()));
        }
        Ok(Step { number, fault })
    }

    /// Lets others go on before the answer, which an error may take the place of.
    async fn end(&self, step: Step) -> Result<(), StoreError> {
        self.wait(step.fault).await;
        self.die_if(step.number, true).await;
        match step.fault {
            Some(Fault::AppliesAndReportsFailure | Fault::AppliesAfterReportingFailure) => {
                Err(StoreError("the answer was lost".to_owned()))
            }
            _ => Ok(()),
        }
    }

    async fn wait(&self, fault: Option<Fault>) {
        for _ in 0..=self.store.random.below(2) {
            pass().await;
        }
        if fault == Some(Fault::Delays) {
            // Twice in each operation.
            let delay_ms = self.store.random.below(DELAY_MS_MAX / 2);
            self.store.clock.sleep(delay_ms).await;
        }
        if self.store.conditions.pauses
            && self.store.troubled.get()
            && self.store.random.below(1_000) < PAUSE_PERMILLE
        {
            let pause_ms = PAUSES_MS[self.store.random.index(PAUSES_MS.len())];
            let pause_ms = pause_ms.min(self.store.pause_ms_max.get());
            self.store.clock.sleep(pause_ms).await;
        }
    }

    async fn die_if(&self, operation: usize, applied: bool) {
        if self.death == Some(Death { operation, applied }) {
            self.life.end();
        }
        if self.life.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

/// An operation that has begun.
struct Step {
    number: usize,
    fault: Option<Fault>,
}

impl Step {
    /// How often the operation is applied before it answers.
    fn times(&self) -> usize {
        match self.fault {
            Some(Fault::AppliesAfterReportingFailure | Fault::RefusesAndReportsSuccess) => 0,
            Some(Fault::AppliesTwice) => 2,
            _ => 1,
        }
    }

    fn is_late(&self) -> bool {
        self.fault == Some(Fault::AppliesAfterReportingFailure)
    }
}

impl<S: Store<Snapshot: Clone>> Store for Connection<S> {
    type Snapshot = FaultySnapshot<S>;

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let step = self.begin(Operation::Get).await?;
        self.store.spent.borrow_mut().read(key);
        let value = self.store.inner.get(key).await?;
        self.end(step).await?;
        Ok(value)
    }

    async fn set(&self, key: &Key, value: &[u8]) -> Result<(), StoreError> {
        let step = self.begin(Operation::Set).await?;
        for _ in 0..step.times() {
            self.store.inner.set(key, value).await?;
        }
        if step.is_late() {
            self.store.postpone(Late::Set(*key, value.to_vec()));
        }
        self.end(step).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let step = self.begin(Operation::Delete).await?;
        for _ in 0..step.times() {
            self.store.delete(key).await?;
        }
        if step.is_late() {
            self.store.postpone(Late::Delete(*key));
        }
        self.end(step).await
    }

    async fn snapshot(&self, key: &Key) -> Result<Self::Snapshot, StoreError> {
        let step = self.begin(Operation::Snapshot).await?;
        self.store.spent.borrow_mut().read(key);
        let inner = self.store.inner.snapshot(key).await?;
        self.end(step).await?;
        Ok(FaultySnapshot { key: *key, inner })
    }

    async fn swap(&self, snapshot: Self::Snapshot, value: &[u8]) -> Result<Swap, StoreError> {
        let step = self.begin(Operation::Swap).await?;
        let mut answer = Swap::Applied;
        for _ in 0..step.times() {
            answer = self.store.swap(snapshot.clone(), value).await?;
        }
        if step.is_late() {
            self.store.postpone(Late::Swap(snapshot, value.to_vec()));
        }
        self.end(step).await?;
        Ok(answer)
    }

    fn swaps_exactly(&self) -> bool {
        self.store.swaps_exactly
    }

    async fn increment(&self, key: &Key, delta: i64) -> Result<i64, StoreError> {
        let step = self.begin(Operation::Increment).await?;
        let mut sum = 0;
        for _ in 0..step.times() {
            sum = self.store.increment(key, delta).await?;
        }
        if step.is_late() {
            self.store.postpone(Late::Increment(*key, delta));
        }
        self.end(step).await?;
        Ok(sum)
    }

    async fn keys(&self, mut visit: impl FnMut(&str)) -> Result<(), StoreError> {
        let step = self.begin(Operation::Keys).await?;
        let mut keys = Vec::new();
        self.store
            .inner
            .keys(|key| keys.push(key.to_owned()))
            .await?;
        if self.store.has(Quirk::ListsInAnyOrder) {
            for end in (1..keys.len()).rev() {
                keys.swap(end, self.store.random.index(end + 1));
            }
        }
        self.store.spent.borrow_mut().keys += keys.len();
        for key in &keys {
            visit(key);
        }
        self.end(step).await
    }

    async fn keys_after(&self, after: &str) -> Result<Option<KeyPage>, StoreError> {
        self.page(self.store.inner.keys_after(after)).await
    }

    async fn keys_before(&self, before: &str) -> Result<Option<KeyPage>, StoreError> {
        self.page(self.store.inner.keys_before(before)).await
    }
}
