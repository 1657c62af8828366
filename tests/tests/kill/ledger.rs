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
    /// The outcome of each order that was seen to have ended.
    outcomes: HashMap<String, Outcome>,
    lost: BTreeSet<String>,
    duplicated: BTreeSet<String>,
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
}

impl Ledger {
    /// Enters the order of a `202`, and returns its id.
    pub fn accept(&self, answer: &Response, order: &Value) -> String {
        let id = uuid_in(answer);
        let mut entries = self.entries();
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

    pub fn accepted(&self) -> usize {
        self.entries().accepted.len()
    }

    /// Looks at every record, and holds those that had ended before to the outcome that they had.
    /// Returns how many accepted orders are still open.
    pub fn look(&self, kept: &Kept) -> usize {
        let mut entries = self.entries();
        for record in kept.records().iter().filter(|record| record.has_ended()) {
            let outcome = Outcome {
                revision: record.revision(),
                state: record.state().clone(),
            };
            let completions = record
                .history()
                .iter()
                .filter(|it| **it == "completed")
                .count();
            let first = entries.outcomes.get(record.id());
            if completions > 1 || first.is_some_and(|first| *first != outcome) {
                eprintln!("order `{}` has two outcomes: {record:?}", record.id());
                entries.duplicated.insert(record.id().to_owned());
            }
            entries.outcomes.insert(record.id().to_owned(), outcome);
        }
        let Entries {
            accepted, outcomes, ..
        } = &*entries;
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
        until("every marker of an ended order to go", || {
            let open: BTreeSet<_> = ids(&kept.records(), |record| !record.has_ended());
            kept.marked().is_subset(&open).then_some(())
        });
        self.look(kept);
        let records = kept.records();
        let mut entries = self.entries();
        let Entries {
            accepted,
            lost,
            duplicated,
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
        first.is_some_and(|first| *first != record.id()) && record.status() != "pending"
    });
    others.map(|record| record.id().to_owned()).collect()
}

fn ids(records: &[StoredRecord], which: impl Fn(&StoredRecord) -> bool) -> BTreeSet<String> {
    records
        .iter()
        .filter(|record| which(record))
        .map(|record| record.id().to_owned())
        .collect()
}

/// An order that no other is like, whose work takes that long.
pub fn order_with(note: &str, ms: u64, outcome: &str) -> Value {
    json!({
        "customer": "Ada Lovelace",
        "items": [{"name": "tea", "quantity": 2}],
        "note": note,
        "simulate": {"ms": ms, "outcome": outcome},
    })
}
