//! The documents of a container, each in a partition of its own.

use super::request::Request;
use super::service::Answer;
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How large an item may be.
const ITEM_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How many items a page has at most, whatever was asked for. The service too may give less.
const PAGE_ITEMS_MAX: usize = 700;

/// What the service has for the `_rid` of an item.
const RID: &str = "AQAAAAEAAAABAAAAAAAAAA==";

/// What makes a query for ids in order, as the SDK sends it to a partition.
const ORDERED: &str = r#""orderByItems": [{"item": c.id}], "payload": {"id": c.id}"#;
/// Which of them it asks for, and in which order.
const AFTER: [&str; 2] = ["c.id > @from", "ORDER BY c.id"];
const BEFORE: [&str; 2] = ["c.id < @from", "ORDER BY c.id DESC"];

/// The physical partitions of a container.
pub(super) const PARTITIONS: usize = 2;

/// A container's items by id.
#[derive(Default)]
pub(crate) struct Items {
    items: BTreeMap<String, Item>,
    writes: u64,
}

/// The states of one item.
#[derive(Default)]
struct Item {
    /// As it is; nothing after it was deleted.
    committed: Option<Version>,
    /// As a replica that lags may still show it.
    before: Option<Version>,
}

#[derive(Clone)]
struct Version {
    json: Value,
    etag: String,
}

/// Whether a read sees what was committed, or what a lagging replica has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Committed,
    Lagging,
}

impl Items {
    /// `POST docs`: create, or upsert.
    pub(super) fn post(&mut self, request: &Request) -> Answer {
        let (id, json) = match document(request) {
            Ok(document) => document,
            Err(answer) => return answer,
        };
        let exists = self.committed(&id).is_some();
        if exists && !request.flag("x-ms-documentdb-is-upsert") {
            return Answer::error(StatusCode::CONFLICT, "the id exists");
        }
        let status = if exists {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        self.write(id, Some(json)).with_status(status)
    }

    /// `GET docs/{id}`.
    pub(super) fn get(&self, request: &Request, id: &str, freshness: Freshness) -> Answer {
        if let Err(answer) = check_partition(request, id) {
            return answer;
        }
        let version = self.items.get(id).and_then(|item| item.seen(freshness));
        match version {
            Some(version) => Answer::ok(version.json.clone()).with_header("etag", &version.etag),
            None => not_found(),
        }
    }

    /// `PUT docs/{id}`: replace.
    pub(super) fn put(&mut self, request: &Request, id: &str) -> Answer {
        let (of_body, json) = match document(request) {
            Ok(document) => document,
            Err(answer) => return answer,
        };
        if of_body != id {
            return Answer::error(StatusCode::BAD_REQUEST, "the id is another");
        }
        match self.check_version(request, id) {
            Ok(()) => self.write(id.to_owned(), Some(json)),
            Err(answer) => answer,
        }
    }

    /// `DELETE docs/{id}`.
    pub(super) fn delete(&mut self, request: &Request, id: &str) -> Answer {
        let checked = check_partition(request, id).and_then(|()| self.check_version(request, id));
        match checked {
            Ok(()) => self
                .write(id.to_owned(), None)
                .with_status(StatusCode::NO_CONTENT),
            Err(answer) => answer,
        }
    }

    /// `POST docs` as a query for ids, in one physical partition: all of them, or those after or before one
    /// in order, which the SDK has rewritten so that it can merge what the partitions answer.
    pub(super) fn query(&self, request: &Request, freshness: Freshness) -> Answer {
        let query: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = query["query"].as_str().unwrap_or_default();
        let is = |parts: [&str; 2]| {
            text.contains(ORDERED) && parts.iter().all(|part| text.contains(part))
        };
        let (is_plain, is_backwards) = (text == "SELECT c.id FROM c", is(BEFORE));
        if !is_plain && !is_backwards && !is(AFTER) {
            return Answer::error(StatusCode::BAD_REQUEST, "this query is not known here");
        }
        let document = |id: &String| {
            if is_plain {
                json!({ "id": id })
            } else {
                json!({ "_rid": RID, "orderByItems": [{ "item": id }], "payload": { "id": id } })
            }
        };
        let from = query["parameters"][0]["value"].as_str().unwrap_or_default();
        let Ok(partition) = request
            .header("x-ms-documentdb-partitionkeyrangeid")
            .parse::<usize>()
        else {
            return Answer::error(StatusCode::BAD_REQUEST, "a query is for one partition");
        };
        let asked: usize = request
            .header("x-ms-max-item-count")
            .parse()
            .unwrap_or(PAGE_ITEMS_MAX);
        let page_max = asked.min(PAGE_ITEMS_MAX);
        let last = request.header("x-ms-continuation");
        let is_asked_for = |id: &str| {
            if is_backwards {
                id < from && (last.is_empty() || id < last)
            } else {
                id > from && id > last
            }
        };
        let seen = self.items.iter().filter(|(id, item)| {
            self::partition(id) == partition && item.seen(freshness).is_some()
        });
        let mut ids: Vec<&String> = seen
            .map(|(id, _)| id)
            .filter(|id| is_asked_for(id))
            .collect();
        if is_backwards {
            ids.reverse();
        }
        let more = ids.len() > page_max;
        ids.truncate(page_max);
        let documents: Vec<_> = ids.iter().map(|id| document(id)).collect();
        let answer = Answer::ok(json!({ "Documents": documents, "_count": documents.len() }));
        match ids.last() {
            Some(last) if more => answer.with_header("x-ms-continuation", last),
            _ => answer,
        }
    }

    /// The item as it is stored, for a test to look at.
    pub(super) fn stored(&self, id: &str) -> Option<Value> {
        self.committed(id).map(|version| version.json.clone())
    }

    /// Puts an item there as another program would.
    pub(super) fn put_foreign(&mut self, id: &str, json: Value) {
        self.write(id.to_owned(), Some(json));
    }

    fn committed(&self, id: &str) -> Option<&Version> {
        self.items.get(id)?.committed.as_ref()
    }

    fn check_version(&self, request: &Request, id: &str) -> Result<(), Answer> {
        let expected = request.header("if-match");
        match self.committed(id) {
            None => Err(not_found()),
            Some(version) if !expected.is_empty() && expected != version.etag => Err(
                Answer::error(StatusCode::PRECONDITION_FAILED, "the item has changed"),
            ),
            Some(_) => Ok(()),
        }
    }

    fn write(&mut self, id: String, json: Option<Value>) -> Answer {
        self.writes += 1;
        let etag = format!("\"{:08x}\"", self.writes);
        let version = json.map(|mut json| {
            json["_etag"] = etag.clone().into();
            json["_rid"] = RID.into();
            json["_ts"] = 1_767_225_600_u32.into();
            Version {
                json,
                etag: etag.clone(),
            }
        });
        let item = self.items.entry(id).or_default();
        item.before = item.committed.take();
        item.committed = version;
        Answer::empty(StatusCode::OK).with_header("etag", &etag)
    }
}

impl Item {
    fn seen(&self, freshness: Freshness) -> Option<&Version> {
        match freshness {
            Freshness::Committed => self.committed.as_ref(),
            Freshness::Lagging => self.before.as_ref(),
        }
    }
}

/// The document of a request's body, with its numbers as the service keeps them.
fn document(request: &Request) -> Result<(String, Value), Answer> {
    if request.body.len() > ITEM_BYTES_MAX {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Answer::error(status, "the item is too large"));
    }
    let bad = |what| Answer::error(StatusCode::BAD_REQUEST, what);
    let json = serde_json::from_slice(&request.body).map_err(|_| bad("no JSON"))?;
    let json = rounded(json);
    let id = json["id"].as_str().ok_or_else(|| bad("no id"))?.to_owned();
    if id.is_empty() || id.len() > 255 || id.contains(['/', '\\', '?', '#']) {
        return Err(bad("no id"));
    }
    check_partition(request, &id)?;
    Ok((id, json))
}

/// A number keeps what a 64-bit float keeps of it.
fn rounded(mut json: Value) -> Value {
    if let Some(number) = json["value"].as_f64() {
        let exact = json["value"]
            .as_i64()
            .filter(|n| n.unsigned_abs() < 1 << 53);
        json["value"] = exact.map_or_else(|| number.into(), Value::from);
    }
    json
}

fn check_partition(request: &Request, id: &str) -> Result<(), Answer> {
    let key = request.header("x-ms-documentdb-partitionkey");
    if serde_json::from_str::<Value>(key).is_ok_and(|key| key == json!([id])) {
        return Ok(());
    }
    let status = StatusCode::BAD_REQUEST;
    Err(Answer::error(status, "the partition key is not the item's").with_sub_status(1001))
}

fn not_found() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "there is no such item")
}

/// Where an item is. The service has a hash of its own; which one makes no difference to callers.
fn partition(id: &str) -> usize {
    id.bytes().map(usize::from).sum::<usize>() % PARTITIONS
}
