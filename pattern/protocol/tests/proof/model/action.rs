//! The steps that the model's world can take.

use super::core::Lease;
use super::process::End;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The submission's one write is applied.
    Submits,
    /// With a marker apart from the record: that is written first.
    SubmitsMarker,
    /// With a marker apart from the record: a sweep takes one that has no record for left over.
    SweepsMarker,
    /// A dispatch reaches an idle processor, whether it is wanted or not, for an attempt that has its
    /// instance to itself or not.
    IsDispatched(usize, bool),
    /// A sweep has found the order ended, and an idle processor begins to move it.
    BeginsToMove(usize),
    /// A working processor turns to something.
    Begins(usize, Turn),
    /// The client asks for the order to be cancelled.
    AsksToCancel,
    /// A process takes its next step, and the store does as it likes.
    Goes(usize, Store),
    /// A process reads the record, and judges by its clock of the lease that it finds there.
    Reads(usize, Lease),
    /// A process dies, and is replaced.
    Dies(usize),
    /// The host ends and another takes its place, which knows that it is alone: a new tenure.
    Restarts,
    /// A swap that was reported failed is applied, nobody having written since.
    LateSwapLands,
    /// A swap that was reported failed was lost.
    LateSwapIsLost,
    /// A reader takes its next look.
    ReaderLooks,
    /// The time for which an ended order is kept is over.
    RetentionEnds,
    /// The expirer reads a record that it may remove.
    ExpirerReads,
    /// It removes it.
    ExpirerRemoves,
    /// It dies, or its removal fails.
    ExpirerDies,
}

/// What a working processor turns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Renewing,
    Settling(End),
    Releasing,
}

/// What the store does with an operation. Reads and moves heed only `Fails`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// What it is asked.
    Obeys,
    /// Nothing, and reports an error.
    Fails,
    /// What it is asked, and reports an error.
    AppliesAndReportsFailure,
    /// Nothing, and reports success.
    RefusesAndReportsSuccess,
    /// Nothing yet, and reports an error.
    AppliesLate,
}

impl Store {
    /// What it does with a swap, but for applying it late.
    pub const AT_ONCE: [Self; 4] = [
        Self::Obeys,
        Self::Fails,
        Self::AppliesAndReportsFailure,
        Self::RefusesAndReportsSuccess,
    ];
}
