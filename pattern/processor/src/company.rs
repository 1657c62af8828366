//! Which attempts share this instance, and whether one has it to itself.
//!
//! A host that can give an attempt an instance of its own says so with the request. Where it cannot,
//! an attempt that must run alone waits for an instance in which no other runs, and keeps others
//! out of it.

use std::cell::Cell;

thread_local! {
    /// How many attempts run here.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
    /// Whether one of them must stay alone.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// An attempt's place in this instance, until it is dropped.
pub struct Place {
    keeps_others_out: bool,
}

impl Place {
    /// A place beside the others, unless one that is here must stay alone.
    pub fn take() -> Option<Self> {
        if TAKEN.get() {
            return None;
        }
        RUNNING.set(RUNNING.get() + 1);
        Some(Self {
            keeps_others_out: false,
        })
    }

    /// Keeps others out from now on, if nobody else is here.
    pub fn keep_others_out(&mut self) -> bool {
        if RUNNING.get() > 1 {
            return false;
        }
        TAKEN.set(true);
        self.keeps_others_out = true;
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get() - 1);
        if self.keeps_others_out {
            TAKEN.set(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_be_alone_waits_for_others_and_keeps_them_out() {
        let mut first = Place::take().expect("nobody is here");
        let second = Place::take().expect("it is not taken");
        assert!(!first.keep_others_out(), "there is another");
        drop(second);
        assert!(first.keep_others_out());
        assert!(Place::take().is_none());
        drop(first);
        assert!(Place::take().is_some());
    }
}
