//! The record's JSON: what was written is read again, by this version and by every later one.
//!
//! The golden files are records as their version wrote them. They are never changed: a version
//! that writes another JSON gets a directory of its own, and must read all of them.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::{InvalidRecord, RECORD_VERSION, Record, Status};
use serde_json::Value;

/// The golden files of `version`.
fn golden(version: u32) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}"));
    let entries = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("`{}`: {error}", directory.display()));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry of the directory").path();
            let text =
                fs::read(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
            (path, text)
        })
        .collect();
    files.sort();
    files
}

fn read(path: &Path, json: &[u8]) -> Record {
    Record::from_json(json).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}

#[test]
fn records_of_every_version_are_read_and_those_of_this_one_written_alike() {
    for version in 1..=RECORD_VERSION {
        for (path, json) in golden(version) {
            let record = read(&path, &json);
            assert_eq!(record.version, version, "`{}`", path.display());
            if version == RECORD_VERSION {
                let written: Value = serde_json::from_slice(&record.to_json()).expect("JSON");
                let golden: Value = serde_json::from_slice(&json).expect("JSON");
                assert_eq!(written, golden, "`{}`", path.display());
            }
        }
    }
}

#[test]
fn every_status_has_a_golden_record_in_every_version() {
    for version in 1..=RECORD_VERSION {
        let golden = golden(version);
        for status in Status::ALL {
            let has = |(path, json): &(PathBuf, Vec<u8>)| read(path, json).status() == status;
            assert!(
                golden.iter().any(has),
                "version {version} has no `{}`",
                status.as_str()
            );
        }
    }
}

#[test]
fn members_that_need_not_be_there_have_defaults() {
    let (path, json) = &golden(1)
        .into_iter()
        .find(|(path, _)| path.ends_with("pending_minimal.json"))
        .expect("the golden file without optional members");
    let record = read(path, json);
    assert!(record.owner.is_none() && record.idempotency.is_none());
    assert!(record.attempts.is_empty() && record.traceparent.is_none());
    assert_eq!(record.claimable_at(), Some(record.updated_at));
}

#[test]
fn the_order_is_kept_byte_for_byte() {
    for (path, json) in golden(RECORD_VERSION) {
        let record = read(&path, &json);
        let again = read(&path, &record.to_json());
        assert_eq!(again.order.as_json(), record.order.as_json());
    }
}

#[test]
fn a_record_of_a_version_that_only_newer_code_knows_is_refused() {
    for (_, json) in golden(RECORD_VERSION) {
        let mut newer: Value = serde_json::from_slice(&json).expect("JSON");
        newer["version"] = (RECORD_VERSION + 1).into();
        let read = Record::from_json(newer.to_string().as_bytes());
        assert!(
            matches!(read, Err(InvalidRecord::Newer(version)) if version == RECORD_VERSION + 1)
        );
    }
}

#[test]
fn what_is_no_record_is_refused() {
    for json in ["", "{}", "null", "[]", r#"{"version":1}"#, "\u{0}"] {
        assert!(Record::from_json(json.as_bytes()).is_err(), "`{json}`");
    }
    // Each member that is not optional is needed.
    let (_, json) = golden(RECORD_VERSION).swap_remove(0);
    let whole: Value = serde_json::from_slice(&json).expect("JSON");
    for member in [
        "version",
        "revision",
        "write",
        "id",
        "createdAt",
        "updatedAt",
        "maxAttempts",
        "attempt",
        "state",
        "order",
    ] {
        let mut part = whole.clone();
        part.as_object_mut().expect("an object").remove(member);
        assert!(
            Record::from_json(part.to_string().as_bytes()).is_err(),
            "without `{member}`"
        );
    }
}
