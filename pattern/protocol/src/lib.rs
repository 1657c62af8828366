//! The pattern, for orders of any shape: what a record of one is, which
//! transitions are legal, and the protocol (submit, claim, renew, settle, cancel, notify, sweep, expire)
//! that keeps them right over a key-value store.
//!
//! Nothing here does I/O, reads a clock or draws randomness: the store is a port
//! that the caller implements, and the time and fresh tokens are arguments. So the
//! functions that run in production are the ones that tests drive natively and that
//! a model checker explores. There is no HTTP and no Spin in this crate.

#![forbid(unsafe_code)]

mod claim;
mod expire;
mod id;
mod idempotency;
mod idempotency_key;
mod keys;
mod list;
mod notification;
mod notify;
mod order;
mod record;
mod refusal;
mod retry;
mod settle;
mod store;
mod submit;
mod sweep;
mod timestamp;
mod transition;
mod turn;
mod update;

pub mod json;
pub mod memory;

pub use claim::{ClaimError, Claimant, Held, RenewError, claim, release, renew};
pub use expire::{
    CLOCKS_DIFFER_MS, Expired, ExpiryPolicy, ExpiryTurn, expire, rest as rest_after_expiry,
};
pub use id::{InvalidOrderId, OrderId, Token};
pub use idempotency::{TAKEOVER_MS, find_submitted, submit_once};
pub use idempotency_key::{Digest, Idempotency};
pub use list::{ListQuery, Page, list};
pub use notification::{
    DeliveryEnd, Notification, NotificationOutcome, NotificationStatus, REDELIVERY_BASE_MS,
    REDELIVERY_CAP_MS, Settled, TELLING_MS_MAX, redelivery_ms,
};
pub use notify::{begin_delivery, end_delivery};
pub use order::{MalformedOrder, Order};
pub use record::{
    ATTEMPTS_KEPT_MAX, Attempt, AttemptOutcome, Claim, ErrorCode, Failure, InvalidRecord,
    RECORD_VERSION, Record, State, Status,
};
pub use refusal::{IllegalTransition, Refusal};
pub use retry::{BACKOFF_BASE_MS, BACKOFF_CAP_MS, backoff_ms};
pub use settle::{SettleError, cancel, settle};
pub use store::{Key, KeyPage, Snapshot, Store, StoreError, Swap};
pub use submit::{Submission, SubmitError, submit};
pub use sweep::{
    DISPATCH_GRACE_MS, OwnersFull, SweepPolicy, SweepTurn, Swept, find_owners_full, needs_dispatch,
    next_sweep_at, rest as rest_after_sweep, sweep,
};
pub use timestamp::Timestamp;
pub use transition::{
    AttemptEnd, AttemptError, DETAILS_BYTES_MAX, Event, MESSAGE_BYTES_MAX, RESULT_BYTES_MAX, apply,
};
pub use update::{UpdateError, find, move_ended, move_left};
