//! Names of orders, and tokens that tell one write from another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid, Variant, Version};

use crate::Timestamp;

/// An order's id: a UUID of version 7 (RFC 9562 §5.7), so that its age is in it and
/// ids sort by creation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Uuid", into = "Uuid")]
pub struct OrderId(Uuid);

impl OrderId {
    /// An id for an order of `owner` created at `now`, unique by 50 of the bits of `random`.
    ///
    /// Its last three bytes are the tag of the owner, so that who lists one owner's orders, and
    /// who takes turns between owners, need not read the records.
    pub fn new(now: Timestamp, random: [u8; 10], owner: Option<&str>) -> Self {
        let mut random = random;
        random[10 - OwnerTag::BYTES..].copy_from_slice(&OwnerTag::of(owner).0);
        Self::at(now, random)
    }

    fn at(now: Timestamp, bytes: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(now.as_unix_ms(), &bytes).into_uuid())
    }

    /// The tag of the owner that it was made for.
    pub(crate) fn owner_tag(self) -> OwnerTag {
        let bytes = self.0.as_bytes();
        OwnerTag([bytes[13], bytes[14], bytes[15]])
    }

    /// The id that sorts before every other that is created at `now`.
    pub(crate) fn first_at(now: Timestamp) -> Self {
        Self::at(now, [0; 10])
    }

    /// When the order was created, to the millisecond.
    pub fn created_at(self) -> Timestamp {
        // RFC 9562 §5.7: the first 48 bits are the Unix time in milliseconds.
        let (high, low, ..) = self.0.as_fields();
        Timestamp::from_unix_ms(u64::from(high) << 16 | u64::from(low))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for OrderId {
    type Err = InvalidOrderId;

    /// Reads the form that [`Display`](fmt::Display) writes; letters may be of either case.
    fn from_str(text: &str) -> Result<Self, InvalidOrderId> {
        // `Uuid` also reads braces, URNs and bare digits. One order has one URL.
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(InvalidOrderId);
        }
        Uuid::try_parse(text)
            .map_err(|_| InvalidOrderId)?
            .try_into()
    }
}

impl TryFrom<Uuid> for OrderId {
    type Error = InvalidOrderId;

    fn try_from(uuid: Uuid) -> Result<Self, InvalidOrderId> {
        let is_v7 = uuid.get_version() == Some(Version::SortRand);
        let is_rfc = uuid.get_variant() == Variant::RFC4122;
        if is_v7 && is_rfc {
            Ok(Self(uuid))
        } else {
            Err(InvalidOrderId)
        }
    }
}

impl From<OrderId> for Uuid {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

/// What the ids of one owner's orders end with: 24 bits of a hash, which one owner in some
/// sixteen million shares by chance. A hint: whose an order is, its record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OwnerTag([u8; Self::BYTES]);

impl OwnerTag {
    const BYTES: usize = 3;

    /// The tag of `owner`; nobody in particular has one too.
    pub(crate) fn of(owner: Option<&str>) -> Self {
        let hash = Sha256::digest(owner.unwrap_or_default());
        Self([hash[0], hash[1], hash[2]])
    }
}

/// The text is not the id of an order: a UUID of version 7 with its hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a version 7 UUID such as `0199f3c2-7d1a-7b3e-9c55-2f60a1b4c8d7`")]
pub struct InvalidOrderId;

/// A random name for one claim or one write, by which its author knows it again.
///
/// 122 random bits (RFC 9562 §5.4), so that two are never alike by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(Uuid);

impl Token {
    /// A token made of `random` bytes, which must be fresh for each token.
    pub fn new(random: [u8; 16]) -> Self {
        Self(Builder::from_random_bytes(random).into_uuid())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Token {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_its_order_was_created() {
        let now = Timestamp::from_unix_ms(1_700_000_000_250);
        assert_eq!(OrderId::new(now, [7; 10], None).created_at(), now);
    }

    #[test]
    fn ids_sort_by_creation_time() {
        let early = OrderId::new(Timestamp::from_unix_ms(1), [255; 10], None);
        let late = OrderId::new(Timestamp::from_unix_ms(2), [0; 10], None);
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn ids_of_one_owner_end_alike_and_those_of_others_do_not() {
        let now = Timestamp::from_unix_ms(1_700_000_000_250);
        let ada = OrderId::new(now, [1; 10], Some("ada"));
        assert_eq!(ada.owner_tag(), OwnerTag::of(Some("ada")));
        assert_eq!(
            OrderId::new(now, [2; 10], Some("ada")).owner_tag(),
            ada.owner_tag()
        );
        for other in [Some("bob"), Some(""), None] {
            assert_ne!(
                OrderId::new(now, [1; 10], other).owner_tag(),
                ada.owner_tag()
            );
        }
    }

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = OrderId::new(Timestamp::from_unix_ms(1_700_000_000_250), [9; 10], None);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let v4 = "2b6f0cc9-04d8-4a5c-8f3e-0a7b5d1e9c42";
        let bare = "0199f3c27d1a7b3e9c552f60a1b4c8d7";
        let urn = "urn:uuid:0199f3c2-7d1a-7b3e-9c55-2f60a1b4c8d7";
        for text in [
            "",
            "1",
            v4,
            bare,
            urn,
            "0199f3c2-7d1a-7b3e-9c55-2f60a1b4c8dé",
        ] {
            assert_eq!(text.parse::<OrderId>(), Err(InvalidOrderId), "`{text}`");
        }
    }
}
