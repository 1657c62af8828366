//! What can go wrong between the protocol and its store: faults of any store and network,
//! and the quirks of particular hosts.

/// A fault that strikes single operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation takes long, so that others go on before it is applied and before it answers.
    Delays,
    /// The operation reports an error, and was not applied.
    FailsBeforeApplying,
    /// The operation was applied, and reports an error.
    AppliesAndReportsFailure,
    /// A swap was not applied, and reports that it was. (Of swaps alone: a store whose `set`
    /// lies about durability keeps nothing safe, and the port forbids it.)
    RefusesAndReportsSuccess,
    /// The operation is applied twice, as a network or a client library does that tries again.
    AppliesTwice,
    /// The operation reports an error, and is applied some time later.
    AppliesAfterReportingFailure,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 6] = [
        Self::Delays,
        Self::FailsBeforeApplying,
        Self::AppliesAndReportsFailure,
        Self::RefusesAndReportsSuccess,
        Self::AppliesTwice,
        Self::AppliesAfterReportingFailure,
    ];

    /// Whether the fault can strike the operation at all.
    pub fn strikes(self, operation: Operation) -> bool {
        match self {
            Self::Delays | Self::FailsBeforeApplying => true,
            Self::AppliesAndReportsFailure
            | Self::AppliesTwice
            | Self::AppliesAfterReportingFailure => operation.writes(),
            Self::RefusesAndReportsSuccess => operation == Operation::Swap,
        }
    }
}

/// What is asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// [`protocol::Store::get`].
    Get,
    /// [`protocol::Store::set`].
    Set,
    /// [`protocol::Store::delete`].
    Delete,
    /// [`protocol::Store::snapshot`].
    Snapshot,
    /// [`protocol::Store::swap`].
    Swap,
    /// [`protocol::Store::increment`].
    Increment,
    /// [`protocol::Store::keys`], and those after or before one.
    Keys,
}

impl Operation {
    fn writes(self) -> bool {
        match self {
            Self::Get | Self::Snapshot | Self::Keys => false,
            Self::Set | Self::Delete | Self::Swap | Self::Increment => true,
        }
    }
}

/// How a particular host's store deviates from what one would expect, always and not by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Spin's Redis store sends a malformed `UNWATCH` after `EXEC`, so each swap reports a
    /// failure, also when the value was written.
    RedisSwapAlwaysReportsFailure,
    /// Spin's Redis store reads the answer of an aborted `EXEC` as success.
    RedisAbortedSwapReportsSuccess,
    /// Spin's SQLite store swaps an absent key by `INSERT … ON CONFLICT DO UPDATE`: whoever
    /// read the key as absent overwrites what was created meanwhile.
    SqliteSwapOfAbsentKeyOverwrites,
    /// Spin's Cosmos store increments by a patch and reads the sum by another request: all who
    /// patch before one of them reads are told the same number.
    CosmosIncrementMayRepeatNumbers,
    /// Spin's Cosmos store, when two create a counter at once, tells the later its delta and
    /// not the sum: both are told 1.
    CosmosIncrementAfterConflictReturnsDelta,
    /// Stores list keys in any order and all of them, as Redis does by its hash table.
    ListsInAnyOrder,
}

impl Quirk {
    /// Every quirk.
    pub const ALL: [Self; 6] = [
        Self::RedisSwapAlwaysReportsFailure,
        Self::RedisAbortedSwapReportsSuccess,
        Self::SqliteSwapOfAbsentKeyOverwrites,
        Self::CosmosIncrementMayRepeatNumbers,
        Self::CosmosIncrementAfterConflictReturnsDelta,
        Self::ListsInAnyOrder,
    ];
}
