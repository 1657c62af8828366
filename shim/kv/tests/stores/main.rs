//! Holds every key-value back end to the promises of `kv::Store`.
//!
//! Goal: whatever a component may rely on is true of every back end, so that none of them has to
//! be known to it. Method: one function for each promise in [`conformance`], one line for each
//! back end in the table below, and each function becomes a test of each back end. Labels are
//! opened as the host opens them; there are no sleeps and no mocks. Cosmos DB, which runs nowhere but in its
//! cloud, is played by [`cosmos`].
//!
//! - [`conformance`]: what holds of every back end
//! - [`durability`]: what holds of those that outlast a process, including `kill -9`
//! - [`kv_cosmos_account`]: Spin's layout in Cosmos DB, and accounts that are not as they should be
//! - [`kv_cosmos_faults`]: throttling, lost answers, and an account that goes away
//! - [`kv_cosmos_environment`]: identities and trust, which the environment decides
//! - [`kv_cosmos_real`]: the account that tests may use, if the environment names one
//! - [`kv_redis_failover`]: calls while servers change their roles, refuse, or close connections
//! - [`kv_redis_server`]: Spin's layout, servers that come and go, and what a start says about them
//! - [`kv_sqlite_file`]: Spin's layout, and what a start says about files that it cannot use
//!
//! To add a back end: a fixture in [`fixture`] and a line here.

mod conformance;
mod cosmos;
mod durability;
mod fixture;
mod kv_cosmos_account;
mod kv_cosmos_environment;
mod kv_cosmos_faults;
mod kv_cosmos_real;
mod kv_redis_failover;
mod kv_redis_server;
mod kv_sqlite_file;

conformance::suite!(kv_in_memory, fixture::Memory);
conformance::suite!(kv_in_redis, fixture::Redis);
conformance::suite!(kv_in_sqlite, fixture::Sqlite);
conformance::suite!(kv_in_cosmos, fixture::Cosmos);
conformance::suite!(kv_in_real_cosmos, fixture::RealCosmos);
durability::suite!(kv_durable_in_redis, fixture::Redis);
durability::suite!(kv_durable_in_sqlite, fixture::Sqlite);
durability::suite!(kv_durable_in_cosmos, fixture::Cosmos);
