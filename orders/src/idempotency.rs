//! Idempotency: one order for one key, however often and from wherever it is submitted.
//!
//! Whoever wants to create the order of a key writes it first, under an id of its own: a *candidate*.
//! Then it *bids* for the key. A number from [`Store::increment`] names the bid, so that nobody else
//! creates that key of the store; what exists is then changed by swaps alone. So nothing here relies on
//! a swap that creates what several may create, which some stores let all of them do.
//!
//! ```text
//!               by its bidder, if no later bid is there
//! (none) --> proposed ----------------------------------> chosen
//!                |                                          |  the order's retention has ended
//!                +-------------> withdrawn <----------------+
//!                 by a later bidder, or by its own for a later bid
//! ```
//!
//! At most one bid for a key is chosen. For of two, the later is written before it looks at the earlier,
//! and the earlier before it looks at the later: so one of them sees the other, however long either
//! stands still. If the later sees the earlier proposed, it withdraws it; if the earlier sees the later, it
//! withdraws itself; and if one is found chosen, the other adopts its order.
//!
//! A client is told of a chosen order and of no other. Anybody may bid for a candidate: so one whose
//! creator died is bid for again by who comes to work on it, and in the end is worked on or removed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::submit::{Submission, SubmitError, put};
use crate::update::{find, is_stored};
use crate::{Key, OrderId, Record, Snapshot, Store, StoreError};

/// How long an earlier bidder is given to finish before a later one withdraws its bid, in milliseconds.
///
/// Only so that those who race need not begin anew: what is decided does not depend on time.
pub const TAKEOVER_MS: u64 = 2_000;
/// How much later each further bidder withdraws earlier bids, in milliseconds, so that one of them
/// takes over and not all at once.
const STRAGGLER_MS: u64 = 250;
/// How many bidders take over one after the other in this way: the last after twelve seconds.
const STRAGGLERS_MAX: u64 = 40;
/// How often it is looked for a bid that somebody else is to win, in milliseconds.
const LOOK_AGAIN_MS: u64 = 25;
/// How often a bidder that withdraws for a later one bids again.
const BIDS_MAX: u32 = 8;
/// How often a bid is swapped that others, or a failing store, change meanwhile.
const SWAPS_MAX: u32 = 8;

/// A client's key, and what it was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The key, within its owner's keys.
    pub key: Digest,
    /// The body that it came with.
    pub body: Digest,
}

impl Idempotency {
    /// What `owner`'s `key` stands for when it comes with `body`.
    pub fn new(owner: Option<&str>, key: &str, body: &[u8]) -> Self {
        let owner = owner.unwrap_or_default().as_bytes();
        // The length keeps owner `ab` with key `c` apart from owner `a` with key `bc`.
        let length = (owner.len() as u64).to_le_bytes();
        Self {
            key: Digest::of(&[&length, owner, key.as_bytes()]),
            body: Digest::of(&[body]),
        }
    }
}

/// The first 128 bits of a SHA-256, in text as 32 hexadecimal digits: letters that any store takes in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(u128);

impl Digest {
    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let bytes = hash.finalize();
        Self(
            bytes
                .iter()
                .take(16)
                .fold(0, |digest, byte| digest << 8 | u128::from(*byte)),
        )
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl TryFrom<String> for Digest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// What is stored at [`Key::Bid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Bid {
    order: OrderId,
    state: BidState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum BidState {
    /// It may be chosen yet. Nobody has been told of its order.
    Proposed,
    /// The key stands for its order.
    Chosen,
    /// It will never be chosen, or is not any more.
    Withdrawn,
}

/// Submits an order once for its key: creates it, or finds the one that the key stands for.
///
/// `pause` waits for that many milliseconds.
///
/// # Errors
/// [`SubmitError::KeyReused`] if the key came with another body before; [`SubmitError::Store`]
/// if the store failed, after which the same submission may be made again.
pub async fn submit_once<S: Store>(
    store: &S,
    submission: Submission,
    idempotency: Idempotency,
    pause: impl AsyncFn(u64),
) -> Result<Record, SubmitError> {
    let key = idempotency.key;
    if let Some(record) = chosen_among(store, key, 1..=1).await?.record() {
        return replay(record, idempotency);
    }
    let candidate = submission.into_record(Some(idempotency));
    put(store, &candidate).await?;
    let number = store.increment(&Key::Bids(key), 1).await?;
    await_earlier(store, key, number, pause).await;
    let chosen = choose_from(store, key, candidate.id, number).await?;
    if chosen == candidate.id {
        return Ok(candidate);
    }
    // Nobody was told of the candidate. If this fails, who comes to work on it does it.
    let _left = store.delete(&Key::Open(candidate.id)).await;
    let record = find(store, chosen).await.map_err(SubmitError::from_read)?;
    let gone = || StoreError(format!("order `{chosen}` was removed while its key was looked up"));
    replay(record.ok_or_else(gone)?, idempotency)
}

fn replay(record: Record, idempotency: Idempotency) -> Result<Record, SubmitError> {
    match record.idempotency {
        Some(known) if known.body != idempotency.body => Err(SubmitError::KeyReused),
        _ => Ok(record),
    }
}

/// Waits while a bid before `number` may still be chosen and has not been, within bounds.
async fn await_earlier<S: Store>(
    store: &S,
    key: Digest,
    number: i64,
    pause: impl AsyncFn(u64),
) {
    let Some(stragglers) = u64::try_from(number - 2).ok() else {
        return;
    };
    let wait_ms = TAKEOVER_MS + STRAGGLER_MS * stragglers.min(STRAGGLERS_MAX);
    let mut waited_ms = 0;
    // A look that fails is made again: only time is lost by it.
    while waited_ms < wait_ms
        && !matches!(
            chosen_among(store, key, 1..=number - 1).await,
            Ok(Earlier::Chosen(_) | Earlier::Withdrawn)
        )
    {
        pause(LOOK_AGAIN_MS).await;
        waited_ms += LOOK_AGAIN_MS;
    }
}

/// What has become of some bids.
enum Earlier {
    /// One was chosen.
    Chosen(Box<Record>),
    /// Each was made and withdrawn.
    Withdrawn,
    /// One may be chosen yet.
    Open,
}

impl Earlier {
    fn record(self) -> Option<Record> {
        match self {
            Self::Chosen(record) => Some(*record),
            Self::Withdrawn | Self::Open => None,
        }
    }
}

/// The order of the chosen bid, if one of these is.
async fn chosen_among<S: Store>(
    store: &S,
    key: Digest,
    numbers: impl IntoIterator<Item = i64>,
) -> Result<Earlier, SubmitError> {
    let mut all = Earlier::Withdrawn;
    for number in numbers {
        match read(store, Key::Bid(key, number)).await? {
            Some(Bid {
                order,
                state: BidState::Chosen,
            }) => {
                // If the order's retention has ended, the key stands for nothing any more.
                if let Some(record) = find(store, order).await.map_err(SubmitError::from_read)? {
                    return Ok(Earlier::Chosen(Box::new(record)));
                }
            }
            Some(Bid {
                state: BidState::Withdrawn,
                ..
            }) => {}
            _ => all = Earlier::Open,
        }
    }
    Ok(all)
}

/// Which order the key stands for: `candidate`, if no other was chosen.
///
/// # Errors
/// If the store failed. It may be decided all the same; who asks again is told.
pub(crate) async fn choose<S: Store>(
    store: &S,
    key: Digest,
    candidate: OrderId,
) -> Result<OrderId, StoreError> {
    // Most often it is decided, and by the first bid.
    if let Some(Bid {
        order,
        state: BidState::Chosen,
    }) = read(store, Key::Bid(key, 1)).await?
        && order == candidate
    {
        return Ok(candidate);
    }
    let number = store.increment(&Key::Bids(key), 1).await?;
    choose_from(store, key, candidate, number).await
}

/// Whether the key is known to stand for `candidate`.
pub(crate) async fn is_chosen<S: Store>(
    store: &S,
    key: Digest,
    candidate: OrderId,
) -> Result<bool, StoreError> {
    let mut number = 1;
    // Bids before the chosen one were withdrawn, or never made.
    loop {
        match read(store, Key::Bid(key, number)).await? {
            Some(Bid {
                order,
                state: BidState::Chosen,
            }) => return Ok(order == candidate),
            _ if number >= store.increment(&Key::Bids(key), 0).await? => return Ok(false),
            _ => number += 1,
        }
    }
}

/// As [`choose`], by bids from this number on.
async fn choose_from<S: Store>(
    store: &S,
    key: Digest,
    candidate: OrderId,
    number: i64,
) -> Result<OrderId, StoreError> {
    let mut number = number;
    for _ in 0..BIDS_MAX {
        if let Some(chosen) = bid(store, key, candidate, number).await? {
            return Ok(chosen);
        }
        number = store.increment(&Key::Bids(key), 1).await?;
    }
    Err(StoreError(format!(
        "no order was chosen for an idempotency key by {BIDS_MAX} bids"
    )))
}

/// Makes the bid `number` for `candidate`, and says which order is chosen; `None` if it is yet to be
/// decided, by another bid.
async fn bid<S: Store>(
    store: &S,
    key: Digest,
    candidate: OrderId,
    number: i64,
) -> Result<Option<OrderId>, StoreError> {
    let proposed = Bid {
        order: candidate,
        state: BidState::Proposed,
    };
    if !propose(store, Key::Bid(key, number), proposed).await? {
        return Ok(None);
    }
    for earlier in 1..number {
        if let Some(chosen) = withdraw(store, Key::Bid(key, earlier)).await? {
            withdraw(store, Key::Bid(key, number)).await?;
            return Ok(Some(chosen));
        }
    }
    let latest = store.increment(&Key::Bids(key), 0).await?;
    for later in number + 1..=latest {
        match read(store, Key::Bid(key, later)).await? {
            Some(Bid {
                state: BidState::Withdrawn,
                ..
            })
            | None => {}
            Some(_) => return withdraw(store, Key::Bid(key, number)).await,
        }
    }
    let chosen = change(store, Key::Bid(key, number), proposed, BidState::Chosen).await?;
    Ok((chosen.state == BidState::Chosen).then_some(chosen.order))
}

/// Creates the bid, unless another has this number: one store may give the same to two.
async fn propose<S: Store>(store: &S, place: Key, proposed: Bid) -> Result<bool, StoreError> {
    let mut failure = None;
    for _ in 0..SWAPS_MAX {
        let snapshot = store.snapshot(&place).await?;
        if let Some(value) = snapshot.value() {
            return Ok(decode(value)? == proposed);
        }
        failure = store.swap(snapshot, &encode(proposed)).await.err();
    }
    Err(failure.unwrap_or_else(not_written))
}

/// Sees to it that a bid is not chosen, if it was made; or returns the order of one that is, and whose
/// retention has not ended.
async fn withdraw<S: Store>(store: &S, place: Key) -> Result<Option<OrderId>, StoreError> {
    let Some(mut bid) = read(store, place).await? else {
        return Ok(None);
    };
    if bid.state == BidState::Proposed {
        bid = change(store, place, bid, BidState::Withdrawn).await?;
    }
    if bid.state == BidState::Chosen {
        if is_stored(store, bid.order).await? {
            return Ok(Some(bid.order));
        }
        change(store, place, bid, BidState::Withdrawn).await?;
    }
    Ok(None)
}

/// Changes the state of a bid that is as it was `seen`, and returns it as it is then: changed, or as
/// another has changed it.
async fn change<S: Store>(
    store: &S,
    place: Key,
    seen: Bid,
    state: BidState,
) -> Result<Bid, StoreError> {
    let mut failure = None;
    for _ in 0..SWAPS_MAX {
        let snapshot = store.snapshot(&place).await?;
        let current = match snapshot.value() {
            Some(value) => decode(value)?,
            // Removed with its order.
            None => Bid {
                state: BidState::Withdrawn,
                ..seen
            },
        };
        if current != seen {
            return Ok(current);
        }
        // What the swap says is no matter; the next look tells.
        failure = store
            .swap(snapshot, &encode(Bid { state, ..seen }))
            .await
            .err();
    }
    Err(failure.unwrap_or_else(not_written))
}

/// Removes what belongs to the key, if it stands for no order but `id`: with the order's retention,
/// its key's ends.
///
/// Submissions with this key that are made at the same time are not held to be one.
pub(crate) async fn forget<S: Store>(
    store: &S,
    key: Digest,
    id: OrderId,
) -> Result<(), StoreError> {
    let latest = store.increment(&Key::Bids(key), 0).await?;
    for number in 1..=latest {
        let place = Key::Bid(key, number);
        match read(store, place).await? {
            Some(bid) if bid.order == id => drop(change(store, place, bid, BidState::Withdrawn).await?),
            Some(_) if withdraw(store, place).await?.is_some() => return Ok(()),
            _ => {}
        }
    }
    for number in 1..=latest {
        store.delete(&Key::Bid(key, number)).await?;
    }
    store.delete(&Key::Bids(key)).await
}

async fn read<S: Store>(store: &S, place: Key) -> Result<Option<Bid>, StoreError> {
    store.get(&place).await?.map(|value| decode(&value)).transpose()
}

fn encode(bid: Bid) -> Vec<u8> {
    // OK because the bid's keys are strings and no field's serializer fails.
    serde_json::to_vec(&bid).expect("a bid is always JSON")
}

fn decode(value: &[u8]) -> Result<Bid, StoreError> {
    serde_json::from_slice(value).map_err(|error| {
        StoreError(format!("a bid for an idempotency key cannot be read: {error}"))
    })
}

fn not_written() -> StoreError {
    StoreError(format!(
        "a bid for an idempotency key was still not written after {SWAPS_MAX} tries"
    ))
}
