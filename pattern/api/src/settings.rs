//! The component's variables, as what they mean.

use guest::{VariableFault, Variables};
use work::{Rules, Work};

use crate::auth::Tokens;
use crate::cors::Origins;
use crate::public_url;

/// The largest `max_body_bytes`: with its history, an order must fit the 1 MiB that stores allow a value.
const MAX_BODY_BYTES_MAX: usize = 700_000;

/// What the variables say.
pub struct Settings {
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many attempts an order may take.
    pub max_attempts: u32,
    /// The longest time that a request may wait for an order's end, in seconds.
    pub max_wait_seconds: u64,
    /// How many clients may wait in this instance at once.
    pub max_waiters: u32,
    /// Where the processor is, without a slash at the end.
    pub processor_url: String,
    /// Where clients reach the service, without a slash at the end, if that is said.
    pub public_url: Option<String>,
    /// Whether somebody is told of the end of orders whose clients name nobody.
    pub notifies: bool,
    /// The origins of the URLs that clients may name to be told.
    pub notify_origins: Vec<String>,
    /// Who may call.
    pub tokens: Tokens,
    /// Whose scripts may call.
    pub origins: Origins,
    /// What orders are held to.
    pub rules: Rules,
    /// The JSON Schema that says so in place of the app's own, if one does.
    pub schema: Option<String>,
}

impl Settings {
    /// Reads them all.
    ///
    /// # Errors
    /// With whatever is not what it must be.
    pub async fn read<W: Work>() -> Result<Self, Vec<VariableFault>> {
        let mut variables = Variables::default();
        let max_body_bytes = variables.number("max_body_bytes", 1..=MAX_BODY_BYTES_MAX);
        let max_body_bytes = max_body_bytes.await;
        let api_tokens = variables.text("api_tokens").await;
        let tokens = Tokens::parse(&api_tokens).unwrap_or_else(|detail| {
            variables.fault("api_tokens", detail);
            Tokens::default()
        });
        let public_url = variables.text("public_url").await;
        let public_url = public_url::parse(&public_url).unwrap_or_else(|detail| {
            variables.fault("public_url", detail);
            None
        });
        let notify_url = variables.http_target("notify_url").await;
        let processor_url = variables.http_url("processor_url").await;
        let (schema, rules) = rules::<W>(&mut variables).await;
        let settings = Self {
            schema,
            rules,
            max_body_bytes,
            max_attempts: variables.number("max_attempts", 1..=1000).await,
            max_wait_seconds: variables.number("max_wait_seconds", 0..=3600).await,
            max_waiters: variables.number("max_waiters", 0..=1_000_000).await,
            processor_url: processor_url.trim_end_matches('/').to_owned(),
            public_url,
            notifies: notify_url.is_some(),
            notify_origins: variables.http_origins("notify_origins").await,
            tokens,
            origins: Origins::parse(&variables.text("cors_origins").await),
        };
        variables.checked(settings)
    }
}

/// Any JSON object.
const ANY_OBJECT: &str = r#"{"type":"object"}"#;

/// What `input_schema` says: the app's own rules, or a schema in their place.
async fn rules<W: Work>(variables: &mut Variables) -> (Option<String>, Rules) {
    let value = variables.text("input_schema").await;
    let schema = match value.trim() {
        "app" => return (None, Rules::of::<W>()),
        "any" => ANY_OBJECT,
        schema => schema,
    };
    match Rules::parse(schema) {
        Ok(rules) => (Some(schema.to_owned()), rules),
        Err(detail) => {
            variables.fault(
                "input_schema",
                format!(
                    "the variable `input_schema` must be `app`, `any` or a JSON Schema: {detail}"
                ),
            );
            (None, Rules::of::<W>())
        }
    }
}
