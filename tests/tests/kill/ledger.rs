//! The ledger: what was accepted, what was seen to have become of it, and what is wrong with that.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tests::{Host, Kept, Response, StoredRecord, until, uuid_in};

/// All that clients were promised, and the outcomes that were seen in the store.
#[derive(Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Each accepted order as it was sent, by its id.
    accepted: BTreeMap<String, Value>,
    /// The order that clients were told of, by the note of its submission.
    told: HashMap<String, String>,
    /// The outcome of each order that was seen to have ended.
    outcomes: HashMap<String, Outcome>,
    lost: BTreeSet<String>,
    duplicated: BTreeSet<String>,
    refused: usize,
}

#[derive(PartialEq)]
struct Outcome {
    revision: u64,
    state: Value,
}

/// How many orders went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub accepted: usize,
    pub lost: usize,
    pub duplicated: usize,
    pub refused: usize,
}

impl Ledger {
    /// Enters the order of a `202`, and returns its id. A submission has one note however often it is
    /// sent, so that an order beside the first that clients were told of is one too many.
    pub fn accept(&self, answer: &Response, order: &Value) -> String {
        let id = uuid_in(answer);
        let mut entries = self.entries();
        let note = order["note"].as_str().expect("each order has a note");
        let told = entries.told.entry(note.to_owned());
        if *told.or_insert_with(|| id.clone()) != id {
            eprintln!("order `{id}` is the second that `{note}` was told of");
            entries.duplicated.insert(id.clone());
        }
        let before = entries.accepted.insert(id.clone(), order.clone());
        assert!(
            before.is_none_or(|before| before == *order),
            "order `{id}` was accepted for two bodies"
        );
        id
    }

    /// Notes that a client was told something about an accepted order that is not so.
    pub fn lose(&self, id: &str, answer: &Response) {
        eprintln!("order `{id}` is lost: {}", answer.describe());
        self.entries().lost.insert(id.to_owned());
    }

    /// Notes that a client was refused what is right.
    pub fn refuse(&self, answer: &Response) {
        eprintln!("wrongly refused: {}", answer.describe());
        self.entries().refused += 1;
    }

    pub fn accepted(&self) -> usize {
        self.entries().accepted.len()
    }

    /// Looks at every record, and holds those that had ended before to the outcome that they had.
    /// Returns how many accepted orders are still open.
    pub fn look(&self, kept: &Kept) -> usize {
        let mut entries = self.entries();
        let Entries {
            accepted,
            outcomes,
            duplicated,
            ..
        } = &mut *entries;
        for record in kept.records() {
            let first = outcomes.get(record.id());
            if !record.has_ended() {
                if first.is_some() {
                    eprintln!("order `{}` is open again: {record:?}", record.id());
                    duplicated.insert(record.id().to_owned());
                }
                continue;
            }
            let outcome = Outcome {
                revision: record.revision(),
                state: record.state().clone(),
            };
            let completions = record
                .history()
                .iter()
                .filter(|it| **it == "completed")
                .count();
            if completions > 1 || first.is_some_and(|first| *first != outcome) {
                eprintln!("order `{}` has two outcomes: {record:?}", record.id());
                duplicated.insert(record.id().to_owned());
            }
            outcomes.insert(record.id().to_owned(), outcome);
        }
        accepted
            .keys()
            .filter(|id| !outcomes.contains_key(*id))
            .count()
    }

    /// Waits until every accepted order has ended, and judges each: by its record, and by what
    /// a client gets.
    pub fn judge(&self, host: &Host, kept: &Kept) -> Verdict {
        until("every accepted order to end", || {
            (self.look(kept) == 0).then_some(())
        });
        until("every order that has ended to be moved", || {
            kept.unmoved().is_empty().then_some(())
        });
        self.look(kept);
        let records = kept.records();
        let mut entries = self.entries();
        let Entries {
            accepted,
            lost,
            duplicated,
            refused,
            ..
        } = &mut *entries;
        for (id, sent) in &*accepted {
            if !is_kept(host, id, sent) {
                lost.insert(id.clone());
            }
        }
        duplicated.extend(worked_on_twice(&records, accepted));
        Verdict {
            accepted: accepted.len(),
            lost: lost.len(),
            duplicated: duplicated.len(),
            refused: *refused,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client gets the completed order, as it was sent.
fn is_kept(host: &Host, id: &str, sent: &Value) -> bool {
    let answer = host.get(&format!("/orders/{id}")).send();
    let mut expected = sent.clone();
    let is_kept = answer.status == 200 && {
        let mut result = answer.json();
        let order = result["order"]
            .as_object_mut()
            .expect("a result has an order");
        order.remove("completedAt").is_some()
            && *order == *expected.as_object_mut().expect("an order is an object")
            && result["status"] == "completed"
    };
    if !is_kept {
        eprintln!(
            "order `{id}` is lost: sent {sent}, found {}",
            answer.describe()
        );
    }
    is_kept
}

/// Orders beside accepted ones that were worked on for the same submission. Each submission has
/// a note of its own, so that a repeated one is known by it.
fn worked_on_twice(records: &[StoredRecord], accepted: &BTreeMap<String, Value>) -> Vec<String> {
    let notes: HashMap<&str, &String> = accepted
        .iter()
        .filter_map(|(id, sent)| Some((sent["note"].as_str()?, id)))
        .collect();
    let others = records.iter().filter(|record| {
        let note = record.order()["note"].as_str();
        let first = note.and_then(|note| notes.get(note));
        first.is_some_and(|first| *first != record.id()) && !record.history().is_empty()
    });
    others.map(|record| record.id().to_owned()).collect()
}

/// An order that no other is like, whose work takes that long.
pub fn order_with(note: &str, ms: u64, outcome: &str) -> Value {
    tests::order_with(json!({"note": note, "simulate": {"ms": ms, "outcome": outcome}}))
}
