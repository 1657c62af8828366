//! Orders to test with, and the times they are tested in.

use protocol::{CLOCKS_DIFFER_MS, ExpiryPolicy, Idempotency, Order, SweepPolicy, Timestamp};

/// When every test begins.
pub const START: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);
/// How long a claim holds without renewal, in milliseconds.
pub const LEASE_MS: u64 = 30_000;
/// How long a delivery is under way before it counts as lost, in milliseconds.
pub const DELIVERY_LEASE_MS: u64 = 30_000;
/// How often is swept.
pub const SWEEPS: SweepPolicy = SweepPolicy {
    interval_ms: 15_000,
    owner_open_max: 1_000,
    tenure: None,
};
/// How long an order is kept after it ended at least, in milliseconds: short, so that whoever pauses
/// may do so for longer.
pub const RETENTION_MS: u64 = 60_000;
/// After how long it may be removed, in milliseconds.
pub const KEPT_MS: u64 = RETENTION_MS + CLOCKS_DIFFER_MS;
/// How often is looked for what has had its time.
pub const EXPIRY: ExpiryPolicy = ExpiryPolicy {
    interval_ms: 20_000,
    retention_ms: RETENTION_MS,
};
/// How many attempts an order may take.
pub const ATTEMPTS_MAX: u32 = 3;
/// What a client sends.
pub const BODY: &[u8] = br#"{"customer":"Ada","items":[{"name":"tea","quantity":2}]}"#;
/// What it sends another time.
pub const OTHER_BODY: &[u8] = br#"{"customer":"Ada","items":[{"name":"tea","quantity":3}]}"#;

/// A valid order.
pub fn order(body: &[u8]) -> Order {
    Order::parse(body).expect("the sample is a valid order")
}

/// The key that a client sends with `body`.
pub fn idempotency(body: &[u8]) -> Idempotency {
    Idempotency::new(None, "a client's key", body)
}
