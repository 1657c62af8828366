//! What was found out once and need not be again.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::RwLock;

/// What is known of things. They are told apart by a hash, as the checker tells states apart.
pub struct Known<T>(RwLock<HashMap<u64, T>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Known<T> {
    /// What is known of `thing`, or is found out now.
    pub fn of(&self, thing: &impl Hash, find_out: impl FnOnce() -> T) -> T {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(thing);
        // OK because nobody panics with the lock.
        if let Some(known) = self.0.read().expect("not poisoned").get(&hash) {
            return known.clone();
        }
        let found = find_out();
        let mut all = self.0.write().expect("not poisoned");
        all.insert(hash, found.clone());
        found
    }
}
