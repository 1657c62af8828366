//! The contract as `openapi.json` states it, and whether an answer keeps it.
//!
//! Every answer that the harness receives is held to the document: its status, its headers and
//! its content must be promised there, and nothing else may come. What the host answers in the
//! service's place is no part of the contract.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use ureq::http::HeaderName;

use crate::{Response, repository};

const DOCUMENT: &str = "clients/js/openapi.json";

/// Headers that may come with any answer: those of HTTP itself, of its connection, and of CORS.
const GENERAL_HEADERS: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "vary",
];
const CORS_HEADERS: &str = "access-control-";

/// The collections of other apps, which have documents of their own.
const OTHER_COLLECTIONS: [&str; 3] = ["/jobs", "/notes", "/reports"];

/// The contract.
pub struct Contract {
    document: Value,
    /// The document with every object closed that does not say it is open. Clients must expect
    /// members that they do not know; this service gives none that the document does not.
    closed: Value,
    /// By the text of their schema: there are few, and thousands of answers.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An operation of the contract and one of its answers, such as `GET /orders/{id}` and `4XX`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Promise {
    /// The method, in upper case.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    /// The status code, or a class of them.
    pub status: String,
}

impl Contract {
    /// The document in the repository.
    pub fn read() -> &'static Self {
        static CONTRACT: OnceLock<Contract> = OnceLock::new();
        CONTRACT.get_or_init(|| {
            let document: Value = serde_json::from_str(&repository::read(DOCUMENT))
                .unwrap_or_else(|error| panic!("cannot parse `{DOCUMENT}`: {error}"));
            let mut closed = document.clone();
            close(&mut closed);
            // What an order holds is the app's affair, and that of a variable.
            closed["components"]["schemas"]["Order"] = Value::Bool(true);
            Self {
                document,
                closed,
                validators: Mutex::default(),
            }
        })
    }

    /// The document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Everything that the document promises.
    pub fn promises(&self) -> impl Iterator<Item = Promise> {
        self.operations().flat_map(|(path, method, operation)| {
            members(&operation["responses"]).map(move |(status, _)| Promise {
                method: method.to_uppercase(),
                path: path.to_owned(),
                status: status.clone(),
            })
        })
    }

    /// Which promise an answer keeps; none if it is the host's own, or to a request that the
    /// document does not have.
    ///
    /// Panics if it keeps none.
    #[track_caller]
    pub fn assert_kept(&self, answer: &Response) -> Option<Promise> {
        if is_of_the_host(answer) {
            return None;
        }
        let (method, target) = answer.line.split_once(' ').expect("a method and a path");
        let target = target.split(['?', '#']).next().unwrap_or(target);
        if OTHER_COLLECTIONS
            .iter()
            .any(|path| target.starts_with(path))
        {
            return None;
        }
        let (promise, response) = match self.operation(method, target) {
            Ok((path, operation)) => {
                let (status, response) = self
                    .response(operation, answer.status)
                    .unwrap_or_else(|| panic!("not promised: {}", answer.describe()));
                let promise = Promise {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    status: status.to_owned(),
                };
                (Some(promise), response)
            }
            Err(component) => (None, &self.document["components"]["responses"][component]),
        };
        let faults = [
            self.faults_of_headers(response, answer),
            self.faults_of_content(response, answer),
        ]
        .concat();
        assert!(faults.is_empty(), "{faults:?} in {}", answer.describe());
        promise
    }

    /// Asserts that `value` is what the schema of that name describes.
    #[track_caller]
    pub fn assert_valid(&self, schema: &str, value: &Value) {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        let faults = self.faults_of_value(&schema, value);
        assert!(faults.is_empty(), "{faults:?} in {value}");
    }

    /// The operation that answers a request; else the name of the component that does.
    fn operation(&self, method: &str, target: &str) -> Result<(&str, &Value), &'static str> {
        let mut paths: Vec<_> = members(&self.document["paths"])
            .filter(|(template, _)| fits(template, target))
            .collect();
        // Literal segments go before parameters.
        paths.sort_by_key(|(template, _)| template.matches('{').count());
        let (path, operations) = paths.first().ok_or("NotFound")?;
        let operation = operations
            .get(method.to_lowercase())
            .filter(|_| !method.chars().any(char::is_lowercase));
        Ok((path, operation.ok_or("MethodNotAllowed")?))
    }

    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        members(&self.document["paths"]).flat_map(|(path, item)| {
            members(item)
                .filter(|(key, _)| *key != "parameters")
                .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
    }

    fn response<'a>(&'a self, operation: &'a Value, status: u16) -> Option<(&'a str, &'a Value)> {
        let class = format!("{}XX", status / 100);
        let mut responses = members(&operation["responses"]);
        let (key, response) = responses
            .clone()
            .find(|(key, _)| **key == status.to_string())
            .or_else(|| responses.find(|(key, _)| **key == class))?;
        Some((key, self.resolve(response)))
    }

    fn faults_of_headers(&self, response: &Value, answer: &Response) -> Vec<String> {
        let mut faults = Vec::new();
        let promised: Vec<_> = members(&response["headers"])
            .map(|(name, header)| (name.to_lowercase(), self.resolve(header)))
            .collect();
        for (name, header) in &promised {
            match answer.header(name) {
                None if header["required"] == true => faults.push(format!("no header `{name}`")),
                None => {}
                Some(value) => {
                    let value = match header["schema"]["type"].as_str() {
                        Some("integer") => value.parse::<i64>().map_or(Value::Null, Value::from),
                        _ => Value::from(value),
                    };
                    let found = self.faults_of_value(&header["schema"], &value);
                    faults.extend(found.into_iter().map(|fault| format!("`{name}`: {fault}")));
                }
            }
        }
        for name in answer.headers.keys().map(HeaderName::as_str) {
            let is_promised = promised.iter().any(|(promised, _)| promised == name);
            let is_general = GENERAL_HEADERS.contains(&name) || name.starts_with(CORS_HEADERS);
            if !is_promised && !is_general {
                faults.push(format!("header `{name}`, which is not promised"));
            }
        }
        faults
    }

    fn faults_of_content(&self, response: &Value, answer: &Response) -> Vec<String> {
        let is_head = answer.line.starts_with("HEAD ");
        let Some(content) = response["content"].as_object().filter(|_| !is_head) else {
            return match answer.body.as_slice() {
                [] => Vec::new(),
                _ => vec!["content where there should be none".to_owned()],
            };
        };
        let essence = answer
            .header("content-type")
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        let Some(media_type) = content.get(essence) else {
            return vec![format!("content type `{essence}`, which is not promised")];
        };
        if !essence.ends_with("json") {
            return Vec::new();
        }
        let value = answer.json();
        let mut faults = self.faults_of_value(&media_type["schema"], &value);
        if essence == "application/problem+json" {
            let mut examples = members(&media_type["examples"]);
            if !examples.any(|(_, example)| self.resolve(example)["value"]["type"] == value["type"])
            {
                faults.push(format!("problem {}, which is not promised", value["type"]));
            }
        }
        faults
    }

    fn faults_of_value(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator
            .iter_errors(value)
            .map(|error| format!("{error} at `{}`", error.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let build = || {
            let mut schema = schema.clone();
            close(&mut schema);
            schema["components"] = self.closed["components"].clone();
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap_or_else(|error| panic!("a schema in `{DOCUMENT}` is none: {error}"));
            Arc::new(validator)
        };
        let validators = self.validators.lock();
        let mut validators = validators.unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(schema.to_string()).or_insert_with(build);
        Arc::clone(validator)
    }

    /// What a reference refers to; everything else is itself.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else {
            return value;
        };
        let pointer = reference.trim_start_matches('#');
        self.document
            .pointer(pointer)
            .unwrap_or_else(|| panic!("`{DOCUMENT}` refers to `{reference}`, which is not there"))
    }
}

/// `wasm-shim` and Spin answer with problems of no type of ours, or without content.
fn is_of_the_host(answer: &Response) -> bool {
    let has_no_content = answer.header("content-type").is_none() && answer.body.is_empty();
    answer.status >= 400 && (has_no_content || answer.text().contains("\"about:blank\""))
}

/// Whether a path is one of those that a template describes.
fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == found || expected.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// Closes every schema of an object that does not say whether it is open.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) {
                members
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> + Clone {
    value.as_object().into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_is_what_its_schema_describes() {
        let contract = Contract::read();
        let mut seen = 0;
        let responses = members(&contract.document["components"]["responses"]);
        for (name, response) in responses {
            for (media_type, content) in members(&response["content"]) {
                for (example, value) in members(&content["examples"]) {
                    let value = &contract.resolve(value)["value"];
                    let faults = contract.faults_of_value(&content["schema"], value);
                    assert!(
                        faults.is_empty(),
                        "`{example}` of `{name}` as `{media_type}`: {faults:?}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "expected examples, found {seen}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(contract: &Contract, value: &Value) {
            contract.resolve(value);
            match value {
                Value::Object(members) => members.values().for_each(|value| check(contract, value)),
                Value::Array(values) => values.iter().for_each(|value| check(contract, value)),
                _ => {}
            }
        }
        let contract = Contract::read();
        check(contract, &contract.document);
    }

    #[test]
    fn a_member_that_is_not_promised_is_a_fault() {
        let contract = Contract::read();
        let schema = json!({"$ref": "#/components/schemas/Health"});
        assert!(
            contract
                .faults_of_value(&schema, &json!({"status": "ok"}))
                .is_empty()
        );
        for value in [json!({}), json!({"status": "ok", "more": 1}), json!([])] {
            assert!(
                !contract.faults_of_value(&schema, &value).is_empty(),
                "{value}"
            );
        }
    }

    #[test]
    fn a_literal_path_goes_before_one_with_a_parameter() {
        let contract = Contract::read();
        let path = |target| contract.operation("GET", target).map(|(path, _)| path);
        assert_eq!(path("/orders/7"), Ok("/orders/{id}"));
        assert_eq!(path("/orders/status/7"), Ok("/orders/status/{id}"));
        assert_eq!(path("/"), Ok("/"));
        assert_eq!(path("/orders/7/8"), Err("NotFound"));
        assert_eq!(
            contract.operation("PUT", "/orders").err(),
            Some("MethodNotAllowed")
        );
    }
}
