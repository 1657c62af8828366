//! How much is measured: as much as a figure takes that one may rely on, or, by `--quick`, what
//! shows within a minute or so that nothing has become worse by much.

use std::sync::OnceLock;

static IS_QUICK: OnceLock<bool> = OnceLock::new();

/// A length or a count that a benchmark has for each.
#[derive(Clone, Copy)]
pub struct Effort<T> {
    pub full: T,
    pub quick: T,
}

impl<T: Copy> Effort<T> {
    /// The one that this run has.
    pub fn now(self) -> T {
        if *IS_QUICK.get_or_init(|| false) {
            self.quick
        } else {
            self.full
        }
    }
}

/// Says, before anything is measured, which it is.
pub fn choose(is_quick: bool) {
    // OK to ignore: it is said once, at the start.
    let _ = IS_QUICK.set(is_quick);
}
