//! The steps that the model's world can take.

use super::process::End;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The submission's write of the marker is applied, and answered or not.
    SubmitsMarker { answered: bool },
    /// The submission's write of the record is applied, and answered or not.
    SubmitsRecord { answered: bool },
    /// The submitting process dies.
    SubmitterDies,
    /// A dispatch reaches an idle processor, whether it is wanted or not.
    IsDispatched(usize),
    /// A working processor turns to something.
    Begins(usize, Turn),
    /// The client asks for the order to be cancelled.
    AsksToCancel,
    /// A process takes its next step, and the store does as it likes.
    Goes(usize, Store),
    /// A process dies, and is replaced.
    Dies(usize),
    /// The lease runs out, its owner alive or not.
    LeaseRunsOut,
    /// The time of the next attempt comes.
    RetryComesDue,
    /// A swap that was reported failed is applied, nobody having written since.
    LateSwapLands,
    /// A swap that was reported failed was lost.
    LateSwapIsLost,
    /// The sweeper finds a marker of no use.
    SweepFindsMarker,
    /// It removes it.
    SweepRemovesMarker,
}

/// What a working processor turns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Renewing,
    Settling(End),
    Releasing,
}

/// What the store does with an operation. Reads and deletions heed only `Fails`.
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
