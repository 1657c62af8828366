//! Idempotency: one order for one key, however often and from wherever it is submitted.
//!
//! Whoever wants to create the order of a key writes it first, under an id of its own: a *candidate*.
//! Then it *bids* for the key. A number from [`Store::increment`] names the bid, so that nobody else
//! creates that key of the store, and what it says, which candidate it is for, never changes. So nothing
//! here relies on a swap that creates what several may create, which some stores let all of them do.
//!
//! What becomes of a candidate is in its own record, and decided by fenced swaps of it alone:
//!
//! ```text
//!                   by who bids for it, if no later bid is there
//! (none) --> candidate ------------------------------------------> chosen: an order that is accepted
//!                |
//!                +--> discarded, and removed
//!                  by a later bidder, or by its own for one that was chosen
//! ```
//!
//! At most one candidate of a key is chosen. For of two bids, the later is written before its bidder looks at
//! the earlier, and the earlier before its bidder looks at the later: so one of them sees the other,
//! however long either stands still. If the later sees the earlier, it discards its candidate; if the earlier
//! sees the later, it does not choose, but goes on for the later one; and whoever finds one that was chosen
//! adopts it. So no two ever discard each other's: the last that was bid for can be chosen, by anybody.
//!
//! A client is told of a chosen order and of no other, and only what is no longer to be chosen is removed.
//! Anybody may go on with a bid: so one whose creator died is taken up by who comes to work on its candidate,
//! which in the end is worked on or removed.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use crate::submit::{Submission, SubmitError, put};
use crate::update::{UpdateError, find_stored, update};
use crate::{
    Digest, Event, Idempotency, IllegalTransition, Key, OrderId, Record, Snapshot, Store,
    StoreError, Timestamp, Token, apply,
};

/// How long an earlier bidder is given to finish before a later one discards its candidate, in milliseconds.
///
/// Only so that those who race need not begin anew: what is decided does not depend on time.
pub const TAKEOVER_MS: u64 = 2_000;
/// How much later each further bidder does so, in milliseconds, so that one of them
/// takes over and not all at once.
const STRAGGLER_MS: u64 = 250;
/// How many bidders take over one after the other in this way: the last after twelve seconds.
const STRAGGLERS_MAX: u64 = 40;
/// How often it is looked for a bid that somebody else is to win, in milliseconds.
const LOOK_AGAIN_MS: u64 = 25;
/// How many bids are gone on with in all until an order is chosen: each is later than the one before.
const BIDS_MAX: u32 = 16;
/// How often a bid is made again that a store does not keep.
const SWAPS_MAX: u32 = 8;
/// How often a bid, or the count of them, is read in all while the store fails. Who decides looks at every
/// bid, with several reads: were it stopped by one that failed, a key with many would never be decided.
const READS_MAX: u32 = 8;

/// What is stored at [`Key::Bid`]: which candidate the bid is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Bid {
    order: OrderId,
}

/// Submits an order once for its key: creates it, or finds the one that the key stands for.
///
/// `choice` names the write that chooses the order, and `pause` waits for that many milliseconds.
///
/// # Errors
/// [`SubmitError::KeyReused`] if the key came with another body before; [`SubmitError::Store`]
/// if the store failed, after which the same submission may be made again.
pub async fn submit_once<S: Store>(
    store: &S,
    submission: Submission,
    idempotency: Idempotency,
    choice: Token,
    pause: impl AsyncFn(u64),
) -> Result<Record, SubmitError> {
    let key = idempotency.key;
    if let Some(record) = find_submitted(store, idempotency).await? {
        return Ok(record);
    }
    let now = submission.now;
    let candidate = submission.into_record(Some(idempotency));
    put(store, &candidate).await?;
    let number = store.increment(&Key::Bids(key), 1).await?;
    await_earlier(store, key, number, pause).await;
    let candidate = Candidate {
        key,
        id: candidate.id,
        choice,
        now,
    };
    replay(candidate.decide(store, number).await?, idempotency)
}

/// The order that was submitted with this key before, if there is one.
///
/// # Errors
/// As [`submit_once`].
pub async fn find_submitted<S: Store>(
    store: &S,
    idempotency: Idempotency,
) -> Result<Option<Record>, SubmitError> {
    let chosen = find_chosen(store, idempotency.key).await?;
    chosen.map(|record| replay(record, idempotency)).transpose()
}

fn replay(record: Record, idempotency: Idempotency) -> Result<Record, SubmitError> {
    match record.idempotency {
        Some(known) if known.body != idempotency.body => Err(SubmitError::KeyReused),
        _ => Ok(record),
    }
}

/// Decides for the candidate `id`, whose creator may have died: returns it if it is chosen, or else the order
/// that is. `choice` names the write of its record.
///
/// # Errors
/// If the store failed. It may be decided all the same; who asks again is told.
pub(crate) async fn decide<S: Store>(
    store: &S,
    id: OrderId,
    choice: Token,
    now: Timestamp,
) -> Result<OrderId, UpdateError<IllegalTransition>> {
    let record = find_stored(store, id).await.map_err(UpdateError::widen)?;
    let Some(Idempotency { key, .. }) = record.and_then(|record| record.idempotency) else {
        return Err(UpdateError::NotFound(id));
    };
    let candidate = Candidate {
        key,
        id,
        choice,
        now,
    };
    // Who went before may have got as far as a bid. With one more at each try, those who look at all of
    // them would never be done.
    let number = match candidate.latest_bid(store).await? {
        Some(number) => number,
        None => store.increment(&Key::Bids(key), 1).await?,
    };
    Ok(candidate.decide(store, number).await?.id)
}

/// Waits while an earlier bid than `number` may still win and none has, within bounds.
async fn await_earlier<S: Store>(store: &S, key: Digest, number: i64, pause: impl AsyncFn(u64)) {
    let Some(stragglers) = u64::try_from(number - 2).ok() else {
        return;
    };
    let wait_ms = TAKEOVER_MS + STRAGGLER_MS * stragglers.min(STRAGGLERS_MAX);
    let mut waited_ms = 0;
    // A look that fails is made again: only time is lost by it.
    while waited_ms < wait_ms && !is_settled(store, key, number).await.unwrap_or(false) {
        pause(LOOK_AGAIN_MS).await;
        waited_ms += LOOK_AGAIN_MS;
    }
}

/// Whether a bid before `number` has won, or none can.
async fn is_settled<S: Store>(store: &S, key: Digest, number: i64) -> Result<bool, StoreError> {
    let mut none_can = true;
    for earlier in 1..number {
        match standing(store, Key::Bid(key, earlier)).await? {
            Standing::Chosen(_) => return Ok(true),
            Standing::Open(_) | Standing::NotMade => none_can = false,
            Standing::Lost => {}
        }
    }
    Ok(none_can)
}

/// The order that the key stands for, if it is decided.
async fn find_chosen<S: Store>(store: &S, key: Digest) -> Result<Option<Record>, SubmitError> {
    let mut number = 1;
    // As a rule it is the first; then nothing else is asked for.
    loop {
        if let Standing::Chosen(record) = find_standing(store, Key::Bid(key, number)).await? {
            return Ok(Some(*record));
        }
        number += 1;
        if number > count(store, key).await? {
            return Ok(None);
        }
    }
}

/// What has become of a bid.
enum Standing {
    /// It was not made, or was removed with its order.
    NotMade,
    /// Its candidate may still be chosen.
    Open(OrderId),
    /// Its candidate was chosen: the key stands for this order.
    Chosen(Box<Record>),
    /// Its candidate was discarded; or it was chosen, and its retention has ended.
    Lost,
}

async fn standing<S: Store>(store: &S, place: Key) -> Result<Standing, StoreError> {
    find_standing(store, place)
        .await
        .map_err(|error| match error {
            SubmitError::Store(error) => error,
            // Whether the key stands for it cannot be known.
            damaged => StoreError(damaged.to_string()),
        })
}

async fn find_standing<S: Store>(store: &S, place: Key) -> Result<Standing, SubmitError> {
    persistently(async || look(store, place).await).await
}

/// How many bids there have been for the key.
async fn count<S: Store>(store: &S, key: Digest) -> Result<i64, StoreError> {
    persistently(async || store.increment(&Key::Bids(key), 0).await).await
}

/// Does what may be done again, up to [`READS_MAX`] times, until the store does not fail.
async fn persistently<T, E>(operation: impl AsyncFn() -> Result<T, E>) -> Result<T, E> {
    for _ in 1..READS_MAX {
        if let Ok(done) = operation().await {
            return Ok(done);
        }
    }
    operation().await
}

async fn look<S: Store>(store: &S, place: Key) -> Result<Standing, SubmitError> {
    let Some(value) = store.get(&place).await? else {
        return Ok(Standing::NotMade);
    };
    let order = decode(&value)
        .map_err(|error| SubmitError::Damaged(error.to_string()))?
        .order;
    let record = find_stored(store, order)
        .await
        .map_err(SubmitError::from_read)?;
    Ok(match record {
        None => Standing::Lost,
        Some(record) if !record.candidate => Standing::Chosen(Box::new(record)),
        Some(record) if record.status().is_terminal() => Standing::Lost,
        Some(record) => Standing::Open(record.id),
    })
}

/// What came of going on with a bid.
enum Outcome {
    /// This order is chosen.
    Chosen(Box<Record>),
    /// There is a later bid, with this number, whose candidate may be chosen.
    GaveWay(i64),
    /// The bid is of no use: its candidate is gone, or its number is to be another's, too.
    Void,
}

/// A candidate that somebody bids for.
#[derive(Clone, Copy)]
struct Candidate {
    key: Digest,
    id: OrderId,
    /// Names the write that chooses it.
    choice: Token,
    now: Timestamp,
}

impl Candidate {
    /// Goes on with its bid `number`, and with later ones, until an order is chosen, and returns that one's
    /// record. If it is another, this one was discarded.
    async fn decide<S: Store>(self, store: &S, number: i64) -> Result<Record, StoreError> {
        let mut number = number;
        for _ in 0..BIDS_MAX {
            number = match self.go_on(store, number).await? {
                Outcome::Chosen(chosen) => {
                    if chosen.id != self.id {
                        self.discard(store, self.id).await?;
                    }
                    return Ok(*chosen);
                }
                Outcome::GaveWay(later) => later,
                Outcome::Void => store.increment(&Key::Bids(self.key), 1).await?,
            };
        }
        Err(StoreError(format!(
            "no order was chosen for an idempotency key by {BIDS_MAX} bids"
        )))
    }

    /// The latest bid that was made for it, if one was.
    async fn latest_bid<S: Store>(self, store: &S) -> Result<Option<i64>, StoreError> {
        for number in (1..=count(store, self.key).await?).rev() {
            let place = Key::Bid(self.key, number);
            let value = persistently(async || store.get(&place).await).await?;
            if let Some(value) = value
                && decode(&value)?.order == self.id
            {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Makes the bid `number`, if it is yet to be made, and has its candidate chosen, if it can be: whosever
    /// bid it is.
    async fn go_on<S: Store>(self, store: &S, number: i64) -> Result<Outcome, StoreError> {
        let id = self.propose(store, Key::Bid(self.key, number)).await?;
        Self { id, ..self }.prevail(store, number).await
    }

    /// Has the candidate, which the bid `number` is for, chosen, if it can be.
    async fn prevail<S: Store>(self, store: &S, number: i64) -> Result<Outcome, StoreError> {
        for earlier in 1..number {
            if let Some(chosen) = self.overrule(store, Key::Bid(self.key, earlier)).await? {
                return Ok(Outcome::Chosen(Box::new(chosen)));
            }
        }
        let latest = count(store, self.key).await?;
        if latest < number {
            // The count began anew, as the key's order was removed: this number is another's, too.
            store.delete(&Key::Bid(self.key, number)).await?;
            return Ok(Outcome::Void);
        }
        // The latest first: who goes on with that need not give way again.
        for later in (number + 1..=latest).rev() {
            match standing(store, Key::Bid(self.key, later)).await? {
                Standing::Chosen(record) => return Ok(Outcome::Chosen(record)),
                // For the same candidate, it is as good as this one.
                Standing::Open(id) if id != self.id => return Ok(Outcome::GaveWay(later)),
                Standing::Open(_) | Standing::Lost | Standing::NotMade => {}
            }
        }
        let chosen = self.choose(store).await?;
        Ok(chosen.map_or(Outcome::Void, |record| Outcome::Chosen(Box::new(record))))
    }

    /// Makes the bid, unless it is there, and returns the candidate that it is for. It may be another's: who
    /// goes on with it did not make it, and one store may give the same number to two.
    async fn propose<S: Store>(self, store: &S, place: Key) -> Result<OrderId, StoreError> {
        let mut failure = None;
        for _ in 0..SWAPS_MAX {
            let snapshot = store.snapshot(&place).await?;
            if let Some(value) = snapshot.value() {
                return Ok(decode(value)?.order);
            }
            // What the swap says is no matter; the next look tells.
            let bid = encode(Bid { order: self.id });
            failure = store.swap(snapshot, &bid).await.err();
        }
        let not_made = || {
            StoreError(format!(
                "a bid for an idempotency key was still not made after {SWAPS_MAX} tries"
            ))
        };
        Err(failure.unwrap_or_else(not_made))
    }

    /// Sees to it that the candidate of an earlier bid is not chosen, if there is one; or returns the order
    /// that was.
    async fn overrule<S: Store>(self, store: &S, place: Key) -> Result<Option<Record>, StoreError> {
        match standing(store, place).await? {
            Standing::Chosen(record) => Ok(Some(*record)),
            Standing::Open(id) if id != self.id => self.discard(store, id).await,
            Standing::Open(_) | Standing::Lost | Standing::NotMade => Ok(None),
        }
    }

    /// Discards a candidate and removes it; or returns it, if it was chosen before.
    async fn discard<S: Store>(self, store: &S, id: OrderId) -> Result<Option<Record>, StoreError> {
        let record = self.write(store, id, &Event::Discarded).await?;
        if let Some(chosen) = record.filter(|record| !record.candidate) {
            return Ok(Some(chosen));
        }
        // If this fails, a sweep does it.
        let _left_to_the_sweep = store.delete(&Key::Open(id)).await;
        Ok(None)
    }

    /// Chooses the candidate, unless it was discarded.
    async fn choose<S: Store>(self, store: &S) -> Result<Option<Record>, StoreError> {
        let record = self.write(store, self.id, &Event::Chosen).await?;
        Ok(record.filter(|record| !record.candidate))
    }

    /// Writes what becomes of a candidate, and returns its record; `None` if it was removed. What was
    /// decided before stays.
    async fn write<S: Store>(
        self,
        store: &S,
        id: OrderId,
        event: &Event,
    ) -> Result<Option<Record>, StoreError> {
        let decide = |record: &Record| Ok::<_, Infallible>(apply(record, event, self.now).ok());
        match update(store, id, self.choice, decide).await {
            Ok(record) => Ok(Some(record)),
            Err(UpdateError::NotFound(_)) => Ok(None),
            Err(UpdateError::Store(error)) => Err(error),
            Err(error @ UpdateError::Damaged { .. }) => Err(StoreError(error.to_string())),
            Err(UpdateError::Refused(never)) => match never {},
        }
    }
}

/// Removes what belongs to the key, if it stands for no order but `id`: with the order, its key ends.
///
/// Submissions with this key that are made at the same time are not held to be one.
///
/// # Errors
/// If the store failed, or somebody bids for the key just now. What was removed stays so.
pub(crate) async fn forget<S: Store>(
    store: &S,
    key: Digest,
    id: OrderId,
) -> Result<(), StoreError> {
    let latest = count(store, key).await?;
    for number in 1..=latest {
        match standing(store, Key::Bid(key, number)).await? {
            Standing::Chosen(record) if record.id != id => return Ok(()),
            Standing::Open(_) => return Err(bid_for()),
            Standing::Chosen(_) | Standing::Lost | Standing::NotMade => {}
        }
    }
    if count(store, key).await? != latest {
        return Err(bid_for());
    }
    for number in 1..=latest {
        persistently(async || store.delete(&Key::Bid(key, number)).await).await?;
    }
    store.delete(&Key::Bids(key)).await
}

fn bid_for() -> StoreError {
    StoreError("somebody bids for its idempotency key".to_owned())
}

fn encode(bid: Bid) -> Vec<u8> {
    // OK because the bid's keys are strings and no field's serializer fails.
    serde_json::to_vec(&bid).expect("a bid is always JSON")
}

fn decode(value: &[u8]) -> Result<Bid, StoreError> {
    serde_json::from_slice(value).map_err(|error| {
        StoreError(format!(
            "a bid for an idempotency key cannot be read: {error}"
        ))
    })
}
