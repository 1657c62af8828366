//! What is still to be told of an order's end, and when: the record's part that outlives the order.
//!
//! Who is told, by what message and over what wire, is not known here.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, Token};

/// For how long after an order's end it is told, in milliseconds: a day, so that a receiver which is down
/// for a night hears of it. At least once, whenever that is.
pub const TELLING_MS_MAX: u64 = 86_400_000;
/// The delay after the first delivery that failed, on average, in milliseconds.
pub const REDELIVERY_BASE_MS: u64 = 5_000;
/// The delay after any that failed, on average, in milliseconds: six hours.
pub const REDELIVERY_CAP_MS: u64 = 21_600_000;
/// By how much each delay is longer than the one before: so a dozen deliveries fill a day.
const REDELIVERY_FACTOR: u64 = 3;

/// Whom to tell that an order has ended, and how that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The URL that the order's client named; the service's own target if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many deliveries were begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deliveries: u32,
    /// Names the delivery that is under way, by which it is fenced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Token>,
    /// Not before this time is the next delivery begun: after one that failed, or that may be under way
    /// still. At once if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The status of the latest answer, if the latest delivery was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// What went wrong in the latest delivery, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// What became of it, once nothing more is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// That nothing more is to be told, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub outcome: NotificationOutcome,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotificationOutcome {
    /// The receiver said that it has it.
    Delivered,
    /// The receiver wants to hear nothing more.
    Gone,
    /// Its day was over before the receiver had it.
    GivenUp,
}

/// Where a notification stands, as diagrams name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationStatus {
    /// The order is open.
    Ahead,
    /// A delivery is to be begun, now or later.
    Waiting,
    /// A delivery is under way, or was lost.
    Delivering,
    /// Nothing more is to be told.
    Settled,
}

/// How a delivery ended.
#[derive(Clone, Debug)]
pub enum DeliveryEnd {
    /// The receiver has the message.
    Delivered {
        /// The status of its answer.
        status: u16,
    },
    /// The receiver wants to hear nothing more.
    Gone {
        /// The status of its answer.
        status: u16,
    },
    /// Nobody knows whether the receiver has it.
    Failed {
        /// The status of its answer, if there was one.
        status: Option<u16>,
        /// What went wrong.
        error: String,
        /// How long to wait before the next delivery, in milliseconds.
        delay_ms: u64,
    },
}

impl Notification {
    /// A delivery begins, at the latest when the order's day is over; after that nothing more is told
    /// that was told before.
    pub(crate) fn begin(&mut self, delivery: Token, until: Timestamp, [ended, at]: [Timestamp; 2]) {
        if self.deliveries > 0 && at > ended.plus_ms(TELLING_MS_MAX) {
            return self.settle(NotificationOutcome::GivenUp, at);
        }
        self.deliveries += 1;
        self.delivery = Some(delivery);
        self.next_at = Some(until);
    }

    /// The delivery that is under way ended.
    pub(crate) fn end(&mut self, end: &DeliveryEnd, [ended, at]: [Timestamp; 2]) {
        self.delivery = None;
        match end {
            DeliveryEnd::Delivered { status } => {
                self.note(Some(*status), None);
                self.settle(NotificationOutcome::Delivered, at);
            }
            DeliveryEnd::Gone { status } => {
                self.note(Some(*status), None);
                self.settle(NotificationOutcome::Gone, at);
            }
            DeliveryEnd::Failed {
                status,
                error,
                delay_ms,
            } => {
                self.note(*status, Some(error));
                let next_at = at.plus_ms(*delay_ms);
                if next_at > ended.plus_ms(TELLING_MS_MAX) {
                    self.settle(NotificationOutcome::GivenUp, at);
                } else {
                    self.next_at = Some(next_at);
                }
            }
        }
    }

    fn note(&mut self, status: Option<u16>, error: Option<&str>) {
        self.last_status = status;
        self.last_error = error.map(str::to_owned);
    }

    fn settle(&mut self, outcome: NotificationOutcome, at: Timestamp) {
        self.delivery = None;
        self.next_at = None;
        self.settled = Some(Settled { at, outcome });
    }
}

/// The delay after the `deliveries`-th delivery failed, in milliseconds: exponential, and within a
/// quarter of its average to either side, spread evenly by `random`, which must be uniform over all `u64`.
///
/// Not full jitter, as for attempts: with that a receiver which is down could use up its day's deliveries
/// in an hour.
pub fn redelivery_ms(deliveries: u32, random: u64) -> u64 {
    let factor = REDELIVERY_FACTOR.saturating_pow(deliveries.saturating_sub(1));
    let average = REDELIVERY_BASE_MS
        .saturating_mul(factor)
        .min(REDELIVERY_CAP_MS);
    average - average / 4 + random % (average / 2 + 1)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_triple_up_to_six_hours_and_a_dozen_deliveries_fill_a_day() {
        assert_eq!(redelivery_ms(1, 0), 3_750);
        assert_eq!(redelivery_ms(1, 2_500), 6_250);
        assert_eq!(redelivery_ms(2, 0), 11_250);
        assert!(redelivery_ms(u32::MAX, u64::MAX) <= REDELIVERY_CAP_MS * 5 / 4);
        let mut at_ms = 0;
        let deliveries = (1..=1000).find(|number| {
            at_ms += redelivery_ms(*number, redelivery_ms(*number, 0));
            at_ms > TELLING_MS_MAX
        });
        assert!((10..=14).contains(&deliveries.expect("a day ends")));
    }
}
