//! How the SDK is held: which of its habits are wanted, and which would break a promise of
//! [`Store`](crate::Store).

use super::credential::Credential;
use super::settings::CosmosSettings;
use azure_data_cosmos::clients::ContainerClient;
use azure_data_cosmos::options::{
    BinaryEncodingOptions, ConnectionPoolOptions, EndToEndOperationLatencyPolicy, OperationOptions,
    OperationOptionsBuilder, PartitionFailoverOptions, ReadConsistencyStrategy, Region,
    ThrottlingRetryOptionsBuilder,
};
use azure_data_cosmos::{
    AccountEndpoint, AccountReference, CosmosClient, CosmosError, CosmosRuntime, RoutingStrategy,
};
use reqwest::Url;
use std::time::Duration;

/// How long an operation may take, with all that the SDK repeats. A component waits meanwhile, and
/// its client for it.
pub(super) const OPERATION_MAX: Duration = Duration::from_secs(10);

/// How long an operation is repeated while the account answers that its throughput is used up,
/// each time after the delay that it asks for. What lasts longer is for the caller to wait out.
const THROTTLED_MAX: Duration = Duration::from_secs(5);

/// How often, at most. The delays that the account asks for are mostly of milliseconds.
const THROTTLED_TIMES_MAX: u32 = 100;

const CONNECT_MAX: Duration = Duration::from_secs(3);

/// Opens the container of `settings`, whose writes are taken in `write_region`.
pub(super) async fn connect(
    settings: &CosmosSettings,
    endpoint: Url,
    credential: Credential,
    write_region: Option<&str>,
) -> Result<ContainerClient, CosmosError> {
    let endpoint = AccountEndpoint::from(endpoint);
    let account = match credential {
        Credential::Key(key) => AccountReference::with_authentication_key(endpoint, key),
        Credential::Identity(identity) => AccountReference::with_credential(endpoint, identity),
    };
    // Reads go where writes go: elsewhere, what was acknowledged may not have arrived.
    let regions = write_region.map(|region| Region::from(region.to_owned()));
    let client = CosmosClient::builder()
        .with_runtime(runtime().await?)
        .with_default_operation_options(operations())
        // Text is what other hosts write and what people read in the portal.
        .with_binary_encoding_options(BinaryEncodingOptions::new().with_enabled(false))
        .with_partition_failover_options(
            // It sends reads to other regions after failures.
            PartitionFailoverOptions::builder()
                .with_circuit_breaker_enabled(false)
                .build()?,
        )
        .build(
            account,
            RoutingStrategy::PreferredRegions(regions.into_iter().collect()),
        )
        .await?;
    client
        .database_client(settings.database.as_str())
        .container_client(settings.container.as_str(), None)
        .await
}

/// Connections and their limits.
async fn runtime() -> Result<CosmosRuntime, CosmosError> {
    let pool = ConnectionPoolOptions::builder()
        // Over HTTP/2 the SDK repeats a write on another connection when one breaks, whether or
        // not it had arrived, and nothing turns that off. Over HTTP/1.1 it does not.
        .with_is_http2_allowed(false)
        .with_gateway_v2_disabled(true)
        .with_max_connect_timeout(CONNECT_MAX)
        .with_max_dataplane_request_timeout(OPERATION_MAX)
        .with_max_metadata_request_timeout(OPERATION_MAX)
        .build()?;
    CosmosRuntime::builder()
        .with_connection_pool(pool)
        .build()
        .await
}

/// What holds for each operation, over whatever `AZURE_COSMOS_*` variables say.
fn operations() -> OperationOptions {
    OperationOptionsBuilder::new()
        // Reads see every write that was acknowledged, to whichever replica: a quorum of the
        // region is asked. Session tokens would do that for our own writes alone.
        .with_read_consistency_strategy(ReadConsistencyStrategy::LatestCommitted)
        .with_session_capturing_disabled(true)
        // No operation is repeated after an answer was lost. The SDK would repeat any write, and
        // what it then reports of a swap or an increment is about the repetition.
        .with_max_failover_retry_count(0)
        .with_hedging_enabled(false)
        // What was refused for lack of throughput was not done and may be repeated.
        .with_throttling_retry_options(
            ThrottlingRetryOptionsBuilder::new()
                .with_max_retry_count(THROTTLED_TIMES_MAX)
                .with_max_retry_wait_time(THROTTLED_MAX)
                .build(),
        )
        .with_end_to_end_latency_policy(EndToEndOperationLatencyPolicy::new(OPERATION_MAX))
        .build()
}
