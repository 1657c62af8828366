//! What the account says of itself: how far its reads may lag behind its writes, and where both go.
//!
//! The SDK reads the same at its start and keeps it to itself. This one request is also what tells
//! a wrong key, a missing role and an address where nobody answers apart, before the SDK folds
//! them into its retries.

use super::credential::Credential;
use super::settings::CosmosSettings;
use azure_core::hmac::hmac_sha256;
use azure_core::time::{OffsetDateTime, to_rfc7231};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use std::time::Duration;

/// For connecting, and for the whole answer. The account's front end answers in milliseconds.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The audience of a token for data in Cosmos DB, in every cloud.
const SCOPE: &str = "https://cosmos.azure.com/.default";

/// The version of the REST interface that has all that is read here.
const API_VERSION: &str = "2018-12-31";

/// What an account says of itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    #[serde(default)]
    enable_multiple_write_locations: bool,
    #[serde(default)]
    writable_locations: Vec<Location>,
    #[serde(default)]
    readable_locations: Vec<Location>,
    user_consistency_policy: ConsistencyPolicy,
}

#[derive(Debug, Deserialize)]
struct Location {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyPolicy {
    default_consistency_level: String,
}

/// Whether several replicas may keep their orders in an account.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fitness {
    /// A replica sees what any replica was told is written.
    Fit,
    /// It may see it late. Nothing is lost by it. The sentence says why, with the fix.
    Lagging(String),
    /// Two writes that exclude each other may both be acknowledged. The problem, and the fix.
    Unfit(String, &'static str),
}

impl Account {
    /// Judges the account, see `docs/decisions/0008-cosmos-reads-the-latest-committed.md`.
    pub(super) fn fitness(&self) -> Fitness {
        if self.enable_multiple_write_locations && self.writable_locations.len() > 1 {
            let problem = format!(
                "the account takes writes in several regions ({}), and only one region can decide which of two writes was first",
                names(&self.writable_locations)
            );
            return Fitness::Unfit(problem, "turn off its multi-region writes");
        }
        let level = &self.user_consistency_policy.default_consistency_level;
        match level.as_str() {
            "Strong" => Fitness::Fit,
            "BoundedStaleness" if self.readable_locations.len() <= 1 => Fitness::Fit,
            _ if self.readable_locations.len() > 1 => Fitness::Lagging(format!(
                "the account has consistency `{level}` and can be read in several regions ({}): after its write region fails, an order may be visible late; set its default consistency to `Strong`",
                names(&self.readable_locations)
            )),
            _ => Fitness::Lagging(format!(
                "the account has consistency `{level}`: each read has to ask for the latest committed version, without which another replica may see an order late; set its default consistency to `BoundedStaleness` or `Strong`"
            )),
        }
    }

    /// The region that takes writes, if it is named.
    pub(super) fn write_region(&self) -> Option<&str> {
        let region = self.writable_locations.first()?;
        Some(&region.name)
    }
}

fn names(locations: &[Location]) -> String {
    let names: Vec<_> = locations.iter().map(|place| place.name.as_str()).collect();
    names.join(", ")
}

/// Why the account could not be read.
#[derive(Debug)]
pub(super) enum AccountError {
    /// The identity gave no token, or the key cannot sign.
    NoCredential(azure_core::Error),
    /// Nobody answered, or not in time.
    Unreachable(String),
    /// The key or the token was not accepted.
    Unauthorized,
    /// The identity has no role, or a firewall keeps this machine out.
    Forbidden,
    /// Something answered that is no account of Cosmos DB, or that is out of order.
    Unexpected(String),
}

/// Asks the account for its properties.
pub(super) async fn read(
    settings: &CosmosSettings,
    credential: &Credential,
    endpoint: Url,
) -> Result<Account, AccountError> {
    let date = to_rfc7231(&OffsetDateTime::now_utc());
    let authorization = authorization(settings, credential, &date).await?;
    let request = reqwest::Client::builder()
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX)
        .build()
        .map_err(|error| AccountError::Unexpected(chain(&error)))?
        .get(endpoint)
        .header("authorization", authorization)
        .header("x-ms-date", date)
        .header("x-ms-version", API_VERSION);
    let response = request
        .send()
        .await
        .map_err(|error| AccountError::Unreachable(chain(&error)))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(AccountError::Unauthorized),
        StatusCode::FORBIDDEN => return Err(AccountError::Forbidden),
        status => return Err(AccountError::Unexpected(format!("it answered `{status}`"))),
    }
    let body = response
        .bytes()
        .await
        .map_err(|error| AccountError::Unreachable(chain(&error)))?;
    serde_json::from_slice(&body).map_err(|error| {
        AccountError::Unexpected(format!("it does not describe an account: {error}"))
    })
}

/// The header by which the account knows who asks: for a key, a signature of this one request.
async fn authorization(
    settings: &CosmosSettings,
    credential: &Credential,
    date: &str,
) -> Result<String, AccountError> {
    let token = match credential {
        Credential::Key(key) => {
            // The method, no resource type and no resource: the account itself.
            let signed = format!("get\n\n\n{}\n\n", date.to_lowercase());
            let signature = hmac_sha256(&signed, key).map_err(AccountError::NoCredential)?;
            format!("type=master&ver=1.0&sig={signature}")
        }
        Credential::Identity(identity) => {
            let token = tokio::time::timeout(ANSWER_MAX, identity.get_token(&[SCOPE], None))
                .await
                .map_err(|_| {
                    AccountError::Unexpected(format!(
                        "the identity gave no token for account `{}` within {} s",
                        settings.account,
                        ANSWER_MAX.as_secs()
                    ))
                })?
                .map_err(AccountError::NoCredential)?;
            format!("type=aad&ver=1.0&sig={}", token.token.secret())
        }
    };
    // The interface wants it encoded as in a query.
    let mut encoded = Url::parse("query:").expect("OK because it is a URL");
    encoded.query_pairs_mut().append_key_only(&token);
    Ok(encoded.query().unwrap_or_default().to_owned())
}

/// An error and what caused it, as one sentence.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors end with their cause.
        if !sentence.ends_with(&text) {
            sentence = format!("{sentence}: {text}");
        }
        cause = error.source();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(level: &str, writable: &[&str], readable: &[&str]) -> Account {
        let locations = |names: &[&str]| {
            let locations = names.iter().map(|name| Location {
                name: (*name).to_owned(),
            });
            locations.collect()
        };
        Account {
            enable_multiple_write_locations: writable.len() > 1,
            writable_locations: locations(writable),
            readable_locations: locations(readable),
            user_consistency_policy: ConsistencyPolicy {
                default_consistency_level: level.to_owned(),
            },
        }
    }

    #[test]
    fn strong_reads_are_fit_wherever_they_are_made() {
        let account = account("Strong", &["a"], &["a", "b"]);
        assert_eq!(account.fitness(), Fitness::Fit);
    }

    #[test]
    fn bounded_staleness_is_fit_within_one_region() {
        let one = account("BoundedStaleness", &["a"], &["a"]);
        assert_eq!(one.fitness(), Fitness::Fit);
        let two = account("BoundedStaleness", &["a"], &["a", "b"]);
        assert!(matches!(two.fitness(), Fitness::Lagging(why) if why.contains("(a, b)")));
    }

    #[test]
    fn weaker_levels_are_told() {
        for level in ["Session", "ConsistentPrefix", "Eventual"] {
            let account = account(level, &["a"], &["a"]);
            assert!(matches!(account.fitness(), Fitness::Lagging(why) if why.contains(level)));
        }
    }

    #[test]
    fn several_write_regions_are_unfit_at_any_level() {
        let account = account("Strong", &["a", "b"], &["a", "b"]);
        assert!(matches!(account.fitness(), Fitness::Unfit(why, _) if why.contains("(a, b)")));
    }
}
