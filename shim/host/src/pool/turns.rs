//! What waits, in turns: however much of it one client has, the next of every other comes before the
//! second of its own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// For whom something is done: a client, as far as one is known.
pub(super) type Client = Option<IpAddr>;

/// What waits. Of one client's, what came first goes first.
pub(super) struct Turns<T> {
    of: HashMap<Client, VecDeque<T>>,
    /// Those for whom anything waits, each once.
    clients: VecDeque<Client>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            clients: VecDeque::new(),
        }
    }
}

impl<T> Turns<T> {
    /// Has it wait behind what else `client` has.
    pub(super) fn push(&mut self, client: Client, item: T) {
        let waiting = self.of.entry(client).or_default();
        if waiting.is_empty() {
            self.clients.push_back(client);
        }
        waiting.push_back(item);
    }

    /// What is next.
    pub(super) fn pop(&mut self) -> Option<T> {
        let client = self.clients.pop_front()?;
        let waiting = self.of.get_mut(&client)?;
        let item = waiting.pop_front();
        if waiting.is_empty() {
            self.of.remove(&client);
        } else {
            self.clients.push_back(client);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_turn_and_none_is_remembered() {
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|address| Some(address.into()));
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(one, number);
        }
        turns.push(other, 10);
        turns.push(None, 20);

        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();

        assert_eq!(order, [0, 10, 20, 1, 2]);
        assert!(turns.of.is_empty() && turns.clients.is_empty());
    }
}
