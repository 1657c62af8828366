//! Dispatches that wait, in turns between owners: who has ten thousand queued keeps nobody waiting
//! who has one.
//!
//! Owners are told apart by the end of an order's id, which is the same for all orders of one. What
//! stands behind it is not known here.

use http::header::HeaderValue;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// The end of an id that tells whose the order is.
type Tag = [u8; 6];

/// One order that is to be seen to.
pub(super) struct Dispatch {
    pub(super) order_id: Arc<str>,
    pub(super) traceparent: Option<HeaderValue>,
}

/// A bounded queue of dispatches, each order once.
pub(super) struct Queue {
    max: usize,
    ids: HashSet<Arc<str>>,
    /// What each owner has waiting, the oldest first. None is empty.
    lanes: HashMap<Tag, VecDeque<Dispatch>>,
    /// The owners in the order of their turns, each once.
    turns: VecDeque<Tag>,
    /// The owners by how much they have waiting.
    sizes: BTreeSet<(usize, Tag)>,
}

impl Queue {
    /// A queue in which `max` dispatches may wait.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            ids: HashSet::new(),
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            sizes: BTreeSet::new(),
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the order waits.
    pub(super) fn contains(&self, order_id: &str) -> bool {
        self.ids.contains(order_id)
    }

    /// Takes a dispatch in, unless there is no room for it. In a full queue an owner has room for
    /// an equal share of it, and who has more gives way: the newest of the most is dropped.
    pub(super) fn push(&mut self, dispatch: Dispatch) -> bool {
        let tag = tag(&dispatch.order_id);
        let waiting = self.lanes.get(&tag).map_or(0, VecDeque::len);
        if self.len() >= self.max {
            let owners = self.lanes.len() + usize::from(waiting == 0);
            if waiting >= self.max / owners {
                return false;
            }
            self.drop_newest_of_the_most();
        }
        self.resize(tag, waiting, waiting + 1);
        self.ids.insert(dispatch.order_id.clone());
        self.lanes.entry(tag).or_default().push_back(dispatch);
        if waiting == 0 {
            self.turns.push_back(tag);
        }
        true
    }

    /// The next dispatch: the oldest of the owner whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Dispatch> {
        let tag = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&tag)?;
        let dispatch = lane.pop_front()?;
        let left = lane.len();
        if left == 0 {
            self.lanes.remove(&tag);
        } else {
            self.turns.push_back(tag);
        }
        self.resize(tag, left + 1, left);
        self.ids.remove(&dispatch.order_id);
        Some(dispatch)
    }

    /// Drops all that wait.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max);
    }

    /// Whoever has the most has two or more: were there one of each owner, none would have less
    /// than its share.
    fn drop_newest_of_the_most(&mut self) {
        let Some(&(waiting, tag)) = self.sizes.last() else {
            return;
        };
        if let Some(dropped) = self.lanes.get_mut(&tag).and_then(VecDeque::pop_back) {
            self.ids.remove(&dropped.order_id);
            self.resize(tag, waiting, waiting - 1);
        }
    }

    fn resize(&mut self, tag: Tag, from: usize, to: usize) {
        self.sizes.remove(&(from, tag));
        if to > 0 {
            self.sizes.insert((to, tag));
        }
    }
}

/// An id that is shorter than a tag is nobody's, as all of them are.
fn tag(order_id: &str) -> Tag {
    order_id
        .as_bytes()
        .last_chunk()
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut Queue, name: &str, owner: &str) -> bool {
        queue.push(Dispatch {
            order_id: format!("{name}-{owner}").into(),
            traceparent: None,
        })
    }

    fn pop_all(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop())
            .map(|dispatch| dispatch.order_id.to_string())
            .collect()
    }

    #[test]
    fn owners_take_turns_and_each_owners_orders_come_in_their_order() {
        let mut queue = Queue::new(10);
        for name in ["1", "2", "3"] {
            assert!(push(&mut queue, name, "aaaaaa"));
        }
        assert!(push(&mut queue, "4", "bbbbbb"));
        assert!(push(&mut queue, "5", "bbbbbb"));
        assert!(push(&mut queue, "6", "cccccc"));
        assert_eq!(queue.len(), 6);
        assert!(queue.contains("6-cccccc"));
        assert_eq!(
            pop_all(&mut queue),
            [
                "1-aaaaaa", "4-bbbbbb", "6-cccccc", "2-aaaaaa", "5-bbbbbb", "3-aaaaaa"
            ]
        );
        assert_eq!(queue.len(), 0);
        assert!(!queue.contains("6-cccccc"));
        assert!(queue.lanes.is_empty() && queue.sizes.is_empty());
    }

    #[test]
    fn in_a_full_queue_who_has_the_most_gives_way_to_who_has_less_than_a_share() {
        let mut queue = Queue::new(4);
        for name in ["1", "2", "3", "4"] {
            assert!(push(&mut queue, name, "aaaaaa"));
        }
        assert!(!push(&mut queue, "5", "aaaaaa"), "it has all of it");
        assert!(push(&mut queue, "6", "bbbbbb"));
        assert!(push(&mut queue, "7", "bbbbbb"));
        assert!(!push(&mut queue, "8", "bbbbbb"), "it has its half");
        assert_eq!(queue.len(), 4);
        assert!(!queue.contains("3-aaaaaa") && !queue.contains("4-aaaaaa"));
        assert_eq!(
            pop_all(&mut queue),
            ["1-aaaaaa", "6-bbbbbb", "2-aaaaaa", "7-bbbbbb"]
        );
    }

    #[test]
    fn a_queue_that_is_full_of_owners_takes_no_more_of_them() {
        let mut queue = Queue::new(2);
        assert!(push(&mut queue, "1", "aaaaaa"));
        assert!(push(&mut queue, "2", "bbbbbb"));
        assert!(!push(&mut queue, "3", "cccccc"));
        assert!(!push(&mut queue, "4", "aaaaaa"));
        assert_eq!(pop_all(&mut queue), ["1-aaaaaa", "2-bbbbbb"]);
    }

    #[test]
    fn a_queue_of_no_length_takes_nothing() {
        assert!(!push(&mut Queue::new(0), "1", "aaaaaa"));
    }
}
