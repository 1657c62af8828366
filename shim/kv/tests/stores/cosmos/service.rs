//! The account: who may do what, and which resources there are.

use super::items::{Freshness, Items, PARTITIONS};
use super::request::Request;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The account's key.
pub(crate) const KEY: &str = "QSBrZXkgdGhhdCBvbmx5IHRlc3RzIGtub3cu";

/// What the service has for a container's `_rid`; a database's is its beginning.
const DATABASE_RID: &str = "AQAAAA==";

/// An account as a test wants it.
pub(crate) struct Account {
    /// Its default consistency level.
    pub(crate) consistency: &'static str,
    /// Where it takes writes.
    pub(crate) write_regions: Vec<&'static str>,
    /// Where it can be read.
    pub(crate) read_regions: Vec<&'static str>,
    /// The partition key of its containers.
    pub(crate) partition_key: &'static str,
    /// The tokens that it takes.
    pub(crate) tokens: Vec<&'static str>,
    /// Whether those who bring tokens may write.
    pub(crate) tokens_may_write: bool,
    /// The containers of its one database, `orders`.
    pub(crate) containers: BTreeMap<String, Items>,
}

impl Default for Account {
    fn default() -> Self {
        let containers = ["default", "other"].map(|name| (name.to_owned(), Items::default()));
        Self {
            consistency: "Session",
            write_regions: vec!["West Europe"],
            read_regions: vec!["West Europe"],
            partition_key: "/id",
            tokens: Vec::new(),
            tokens_may_write: true,
            containers: containers.into(),
        }
    }
}

/// What is answered.
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(StatusCode::OK)
        }
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(super) fn error(status: StatusCode, message: &str) -> Self {
        let code = status.canonical_reason().unwrap_or_default();
        Self {
            body: Some(json!({ "code": code, "message": message })),
            ..Self::empty(status)
        }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn with_sub_status(self, sub_status: u16) -> Self {
        self.with_header("x-ms-substatus", &sub_status.to_string())
    }
}

impl Account {
    /// Answers a request that came to `endpoint`.
    pub(super) fn answer(&mut self, request: &Request, endpoint: &str) -> Answer {
        if let Err(answer) = self.admit(request) {
            return answer;
        }
        let path: Vec<_> = request.path.iter().map(String::as_str).collect();
        match path[..] {
            [] => Answer::ok(self.properties(endpoint)),
            ["dbs", database, ..] if database != "orders" && database != DATABASE_RID => {
                missing().with_sub_status(1003)
            }
            ["dbs", _] => Answer::ok(json!({ "id": "orders", "_rid": DATABASE_RID })),
            ["dbs", _, "colls", container, ref rest @ ..] => {
                self.container(request, container, rest)
            }
            _ => Answer::error(StatusCode::BAD_REQUEST, "this call is not known here"),
        }
    }

    /// The items of a container, for a test to look at or to change.
    pub(super) fn items(&mut self, container: &str) -> &mut Items {
        let items = self.containers.get_mut(container);
        items.expect("the container exists")
    }

    /// Deletes a container.
    pub(crate) fn delete_container(&mut self, container: &str) {
        self.containers.remove(container);
    }

    fn admit(&self, request: &Request) -> Result<(), Answer> {
        if request.is_signed_by(KEY) {
            return Ok(());
        }
        if !self.tokens.iter().any(|token| request.has_token(token)) {
            let message = "The input authorization token can't serve the request.";
            return Err(Answer::error(StatusCode::UNAUTHORIZED, message));
        }
        if request.writes_items() && !self.tokens_may_write {
            let message = "Request blocked by Auth: the principal does not have the permission.";
            return Err(Answer::error(StatusCode::FORBIDDEN, message).with_sub_status(5301));
        }
        Ok(())
    }

    fn properties(&self, endpoint: &str) -> Value {
        let locations = |regions: &[&str]| -> Vec<_> {
            let location =
                |name: &&str| json!({ "name": name, "databaseAccountEndpoint": endpoint });
            regions.iter().map(location).collect()
        };
        json!({
            "_self": "",
            "id": "shop",
            "_rid": "shop.documents.azure.com",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": locations(&self.write_regions),
            "readableLocations": locations(&self.read_regions),
            "enableMultipleWriteLocations": self.write_regions.len() > 1,
            "userReplicationPolicy": { "minReplicaSetSize": 3, "maxReplicasetSize": 4 },
            "userConsistencyPolicy": { "defaultConsistencyLevel": self.consistency },
            "systemReplicationPolicy": { "minReplicaSetSize": 3, "maxReplicasetSize": 4 },
            "readPolicy": { "primaryReadCoefficient": 1, "secondaryReadCoefficient": 1 },
            "queryEngineConfiguration": "{}",
        })
    }

    fn container(&mut self, request: &Request, container: &str, rest: &[&str]) -> Answer {
        let Some((place, (name, items))) = self
            .containers
            .iter_mut()
            .enumerate()
            .find(|(place, (name, _))| *name == container || rid(*place) == container)
        else {
            // What is in a container that is gone has another code than an item that is not there.
            let sub_status = if rest.is_empty() { 0 } else { 1003 };
            return missing().with_sub_status(sub_status);
        };
        // A quorum of replicas is asked by the account's level, or because the request says so.
        let strategy = request.header("x-ms-cosmos-read-consistency-strategy");
        let quorum = matches!(self.consistency, "Strong" | "BoundedStaleness");
        let freshness = if quorum || strategy == "LatestCommitted" {
            Freshness::Committed
        } else {
            Freshness::Lagging
        };
        match (&request.method, rest) {
            (&Method::GET, []) => Answer::ok(json!({
                "id": name,
                "_rid": rid(place),
                "partitionKey": { "paths": [self.partition_key], "kind": "Hash", "version": 2 },
            })),
            (&Method::GET, ["pkranges"]) => partitions(request),
            (&Method::POST, ["docs"]) if request.flag("x-ms-documentdb-isquery") => {
                items.query(request, freshness)
            }
            (&Method::POST, ["docs"]) => items.post(request),
            (&Method::GET, ["docs", id]) => items.get(request, id, freshness),
            (&Method::PUT, ["docs", id]) => items.put(request, id),
            (&Method::DELETE, ["docs", id]) => items.delete(request, id),
            _ => Answer::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "this call is not known here",
            ),
        }
    }
}

/// The physical partitions: an incremental feed, which has nothing new for who knows them.
fn partitions(request: &Request) -> Answer {
    const ETAG: &str = "\"1\"";
    if request.header("if-none-match") == ETAG {
        return Answer::empty(StatusCode::NOT_MODIFIED).with_header("etag", ETAG);
    }
    let bounds = ["", "1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "FF"];
    let ranges: Vec<_> = bounds
        .windows(PARTITIONS)
        .enumerate()
        .map(|(id, bounds)| {
            json!({
                "id": id.to_string(),
                "minInclusive": bounds[0],
                "maxExclusive": bounds[1],
                "status": "online",
                "throughputFraction": 0.5,
                "parents": [],
            })
        })
        .collect();
    let count = ranges.len();
    Answer::ok(json!({ "PartitionKeyRanges": ranges, "_count": count })).with_header("etag", ETAG)
}

fn rid(place: usize) -> String {
    let digit = char::from(b"EIMQ"[place]);
    format!("AQAAAA{digit}AAAA=")
}

fn missing() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "Owner resource does not exist")
}
