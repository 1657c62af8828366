//! What a process finds in its environment: the identity that it has in Cosmos DB, and whom it
//! trusts in TLS.
//!
//! A process has one environment, so each case is a process of its own: this binary, run again for
//! the test [`as_the_environment_says`], which tells on its standard output what came of it.

use crate::cosmos::{Account, Authority, Identity, POD_TOKEN, Server};
use crate::fixture::Cosmos;
use kv::{Backend, SizeLimits, Stores};
use std::process::{Command, Stdio};

/// Names the account to the child process.
const ENDPOINT: &str = "KV_TEST_COSMOS_ENVIRONMENT_ENDPOINT";
/// Whether the child process is configured with a key.
const WITH_KEY: &str = "KV_TEST_COSMOS_ENVIRONMENT_WITH_KEY";
/// What the identity endpoint gives out.
const TOKEN: &str = "a.token-of.the_app";

/// A child process that opens a store of `server`.
fn child(server: &Server) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "kv_cosmos_environment::as_the_environment_says",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(ENDPOINT, server.endpoint())
        .stdout(Stdio::piped());
    command
}

/// What it said.
async fn said(mut child: Command) -> String {
    let output = tokio::task::spawn_blocking(move || child.output().unwrap());
    String::from_utf8(output.await.unwrap().stdout).unwrap()
}

/// What a container app says that has no key but an identity, whose token is [`TOKEN`].
async fn said_by_a_container_app(account: Account) -> String {
    let server = Server::start(account);
    let identity = Identity::start(TOKEN).await;
    let mut child = child(&server);
    child.envs(identity.environment());
    said(child).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_apps_identity_opens_what_its_role_allows() {
    let said = said_by_a_container_app(Account {
        tokens: vec![TOKEN],
        ..Account::default()
    });
    let said = said.await;
    assert!(said.contains("wrote and read `1`"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_without_the_role_is_told_which() {
    let said = said_by_a_container_app(Account {
        tokens: vec![TOKEN],
        tokens_may_write: false,
        ..Account::default()
    });
    let said = said.await;
    assert!(
        said.contains(
            "the identity may not read and write its data (403); assign it the role \
             `Cosmos DB Built-in Data Contributor`"
        ),
        "{said}",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_that_the_account_does_not_know_is_told() {
    let said = said_by_a_container_app(Account::default()).await;
    assert!(
        said.contains("the account does not accept the identity's token"),
        "{said}",
    );
    assert!(!said.contains(TOKEN), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pods_identity_opens_what_its_role_allows() {
    let server = Server::start(Account {
        tokens: vec![TOKEN],
        ..Account::default()
    });
    let authority = Authority::start(TOKEN).await;
    let directory = tempfile::tempdir().unwrap();
    let [token, trusted] = ["token", "trusted.pem"].map(|file| directory.path().join(file));
    std::fs::write(&token, POD_TOKEN).unwrap();
    std::fs::write(&trusted, &authority.certificate).unwrap();
    let mut child = child(&server);
    child
        .envs(authority.environment())
        .env("AZURE_FEDERATED_TOKEN_FILE", &token)
        .env("SSL_CERT_FILE", &trusted);
    let said = said(child).await;
    assert!(said.contains("wrote and read `1`"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_trusted_if_the_environment_says_so() {
    let (server, certificate) = Server::start_tls(Account::default());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trusted.pem");
    std::fs::write(&file, certificate).unwrap();
    let mut child = child(&server);
    child.env(WITH_KEY, "1").env("SSL_CERT_FILE", &file);
    let said = said(child).await;
    assert!(said.contains("wrote and read `1`"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_has_signed_is_refused() {
    let (server, _) = Server::start_tls(Account::default());
    let mut child = child(&server);
    child.env(WITH_KEY, "1").env_remove("SSL_CERT_FILE");
    let said = said(child).await;
    assert!(
        said.contains("the account does not answer") && said.contains("UnknownIssuer"),
        "{said}",
    );
}

#[tokio::test]
#[ignore = "the process whose environment the others choose"]
async fn as_the_environment_says() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else {
        return;
    };
    let mut settings = Cosmos::settings(&endpoint, "default");
    if std::env::var_os(WITH_KEY).is_none() {
        settings.key = None;
    }
    let label = ("default".to_owned(), Backend::AzureCosmos(settings));
    match Stores::open([label], SizeLimits::default()).await {
        Err(refusal) => println!("{refusal}"),
        Ok(stores) => {
            let store = stores.store("default").unwrap();
            if let Err(error) = store.set("a", b"1".to_vec()).await {
                println!("{error}");
                return;
            }
            let value = store.get("a").await.unwrap().unwrap();
            println!("wrote and read `{}`", String::from_utf8(value).unwrap());
        }
    }
}
