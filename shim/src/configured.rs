//! Whether the components can work with their variables: each is asked once, before anything is
//! served or run.
//!
//! What a variable must be, its component alone knows. It may answer `GET /configz` with a problem
//! document whose `faults` have a `detail` each; one that does not know the question is well.

use crate::fault::Fault;
use crate::order;
use host::Pool;
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;

/// The path of the question.
const PATH: &str = "/configz";

/// How long an answer may take. It takes no store and no work.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What is wrong with the variables of the components of `pools`, each fault once.
pub(crate) async fn faults(pools: &HashMap<String, Pool>) -> Vec<Fault> {
    let mut sentences: Vec<String> = Vec::new();
    for (id, pool) in pools {
        for sentence in ask(id, pool).await {
            // A component may tell what its neighbour has told it.
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
    }
    sentences.sort();
    sentences.into_iter().map(Fault::new).collect()
}

async fn ask(id: &str, pool: &Pool) -> Vec<String> {
    let uri = format!("http://{id}.spin.internal{PATH}");
    let asked = order::call(pool, http::Request::get(uri));
    match tokio::time::timeout(ANSWER_MAX, asked).await {
        Ok(Ok(answer)) if answer.status.is_server_error() => sentences(&answer.body),
        Ok(Ok(_)) => Vec::new(),
        // What keeps it from answering will show when it is needed, and is no matter of variables.
        Ok(Err(failure)) => {
            tracing::warn!(
                component = id,
                failure = failure.to_string(),
                "a component does not say whether its variables are well"
            );
            Vec::new()
        }
        Err(_) => {
            tracing::warn!(
                component = id,
                "a component does not say in time whether its variables are well"
            );
            Vec::new()
        }
    }
}

fn sentences(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Problem {
        #[serde(default)]
        faults: Vec<VariableFault>,
    }
    #[derive(Deserialize)]
    struct VariableFault {
        detail: String,
    }
    let problem = serde_json::from_slice::<Problem>(body);
    // Another problem than this one is no matter of variables either.
    let faults = problem.map_or_else(|_| Vec::new(), |problem| problem.faults);
    faults.into_iter().map(|fault| fault.detail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_faults_tells_of_variables() {
        let faulty = br#"{"title":"t","faults":[{"variable":"a","detail":"a is wrong"}]}"#;
        assert_eq!(sentences(faulty), ["a is wrong"]);
        for body in ["", "out of order", "{}", r#"{"title":"t","status":503}"#] {
            assert!(sentences(body.as_bytes()).is_empty(), "`{body}`");
        }
    }
}
