//! Idempotency: one order for one key, however often and from wherever it is submitted.
//!
//! Three keys of the store take part. The *creators* counter, which only
//! [`Store::increment`] touches, lets one of many who race create the order at once. The
//! *pointer* says which order the key stands for; it is written after the record that it
//! points to. The *record* has a fresh id, so that nobody else ever creates it.
//!
//! A creator that dies before the pointer is written leaves a record that nobody was
//! told of and that no marker keeps open; the next client in line takes over.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::submit::{Submission, SubmitError, open, put_record};
use crate::update::read;
use crate::{Key, OrderId, Record, Snapshot, Store, StoreError};

/// How long the creator ahead is given to finish before the next in line takes over, in milliseconds.
///
/// Far above any store's write time: a creator that lives must not be overtaken.
pub const TAKEOVER_MS: u64 = 2_000;
/// How many creators ahead are waited for so long, at most: half a minute in all.
const TAKEOVERS_AWAITED_MAX: u64 = 15;
/// How much later each creator after these begins, in milliseconds: by more than creating takes,
/// so that they do not all begin at once where creation by swap is not sound.
const STRAGGLER_MS: u64 = 250;
/// How many creators begin one after the other in this way: the last after a minute and a half.
const STRAGGLERS_MAX: u64 = 240;
/// How often a pointer that somebody else is to write is looked for, in milliseconds.
const LOOK_AGAIN_MS: u64 = 25;
/// How often a pointer is written again that is not there after it was written.
const POINTER_TRIES_MAX: u32 = 8;

/// A client's key, and what it was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What is stored at [`Key::Pointer`]: the order that a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pointer {
    order: OrderId,
    body: Digest,
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
    if let Some(record) = existing(store, idempotency).await? {
        return Ok(record);
    }
    // The first creates; each next one waits its turn, so that after a creator's death one
    // takes over and not all. The counter is sound on every store, where creation by swap is not.
    let creator = store.increment(&Key::Creators(idempotency.key)).await?;
    let wait_ms = turn_after_ms(u64::try_from(creator.saturating_sub(1)).unwrap_or(0));
    let mut waited_ms = 0;
    while waited_ms < wait_ms {
        pause(LOOK_AGAIN_MS).await;
        waited_ms += LOOK_AGAIN_MS;
        match existing(store, idempotency).await {
            Ok(Some(record)) => return Ok(record),
            // A look that failed is made again soon. To give up for it would waste this place in
            // the line, and make all who come later wait longer.
            Ok(None) | Err(SubmitError::Store(_)) => {}
            Err(error) => return Err(error),
        }
    }
    create(store, submission, idempotency).await
}

/// How long a creator waits that has so many `ahead` of it, in milliseconds.
fn turn_after_ms(ahead: u64) -> u64 {
    let awaited = ahead.min(TAKEOVERS_AWAITED_MAX);
    let stragglers = (ahead - awaited).min(STRAGGLERS_MAX);
    awaited * TAKEOVER_MS + stragglers * STRAGGLER_MS
}

/// The order that the key stands for, made sure to be open if it is not ended.
async fn existing<S: Store>(
    store: &S,
    idempotency: Idempotency,
) -> Result<Option<Record>, SubmitError> {
    let Some(value) = store.get(&Key::Pointer(idempotency.key)).await? else {
        return Ok(None);
    };
    let pointer = decode(&value)?;
    if pointer.body != idempotency.body {
        return Err(SubmitError::KeyReused);
    }
    let Some(record) = read(store, pointer.order)
        .await
        .map_err(SubmitError::from_read)?
    else {
        // The order's retention has ended; the key stands for nothing any more.
        return Ok(None);
    };
    // Its creator may have died between the pointer and the marker.
    if !record.status().is_terminal() {
        open(store, record.id).await?;
    }
    Ok(Some(record))
}

/// Record, pointer, marker: in this order, so that what is pointed to exists, and what was not
/// decided is never worked on.
async fn create<S: Store>(
    store: &S,
    submission: Submission,
    idempotency: Idempotency,
) -> Result<Record, SubmitError> {
    let key = Key::Pointer(idempotency.key);
    let candidate = submission.into_record(Some(idempotency.key));
    put_record(store, &candidate).await?;
    let pointer = Pointer {
        order: candidate.id,
        body: idempotency.body,
    };
    // OK because the pointer's keys are strings and no field's serializer fails.
    let json = serde_json::to_vec(&pointer).expect("a pointer is always JSON");
    let mut failure = None;
    for _ in 0..POINTER_TRIES_MAX {
        let snapshot = store.snapshot(&key).await?;
        let stands = match snapshot.value() {
            Some(value) => points_to_a_record(store, decode(value)?).await?,
            None => false,
        };
        if !stands {
            failure = store.swap(snapshot, &json).await.err();
        }
        // Whatever the swap said: the pointer that is there now decides.
        match store.get(&key).await? {
            Some(value) if value == json => {
                open(store, candidate.id).await?;
                return Ok(candidate);
            }
            Some(_) => {
                let told = match existing(store, idempotency).await {
                    Ok(Some(record)) => Ok(record),
                    Ok(None) => continue,
                    Err(error) => Err(error),
                };
                // Nobody was told of the candidate. If this fails, its retention ends it.
                let _left_to_retention = store.delete(&Key::Record(candidate.id)).await;
                return told;
            }
            None => {}
        }
    }
    let gave_up = || {
        StoreError(format!(
            "the pointer of a key was not written after {POINTER_TRIES_MAX} tries"
        ))
    };
    Err(failure.unwrap_or_else(gave_up).into())
}

async fn points_to_a_record<S: Store>(store: &S, pointer: Pointer) -> Result<bool, SubmitError> {
    Ok(store.get(&Key::Record(pointer.order)).await?.is_some())
}

/// Removes what belongs to the key, if it still stands for `id`: with the order's retention, its key's ends.
pub(crate) async fn forget<S: Store>(
    store: &S,
    key: Digest,
    id: OrderId,
) -> Result<(), StoreError> {
    let pointer = store.get(&Key::Pointer(key)).await?;
    if pointer.is_some_and(|value| decode(&value).is_ok_and(|pointer| pointer.order == id)) {
        store.delete(&Key::Pointer(key)).await?;
        store.delete(&Key::Creators(key)).await?;
    }
    Ok(())
}

fn decode(value: &[u8]) -> Result<Pointer, SubmitError> {
    serde_json::from_slice(value)
        .map_err(|error| SubmitError::Damaged(format!("a pointer cannot be read: {error}")))
}
