//! [`Cosmos`]: one open container as a [`Store`].

use super::call_error::{CALL_MAX, CallError};
use super::container::Container;
use super::document::{self, Document};
use super::settings::CosmosSettings;
use super::turns::{Turn, Turns};
use super::{key, listing};
use crate::{Error, Keys, OpenError, SizeLimits, Store, SwapOutcome};
use async_trait::async_trait;
use azure_core::http::Etag;
use azure_data_cosmos::CosmosError;
use azure_data_cosmos::clients::ContainerClient;
use azure_data_cosmos::models::ItemResponse;
use azure_data_cosmos::options::{ItemWriteOptions, Precondition};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

/// How many requests of one call are under way at once.
const AT_ONCE: usize = 32;

/// One container of one account.
pub(crate) struct Cosmos {
    limits: SizeLimits,
    name: Arc<str>,
    container: Arc<Container>,
    /// Where the connections live: whichever runtime calls, its threads' priority and its end do
    /// not touch them.
    runtime: Handle,
    turns: Turns,
}

/// An item as it was read.
struct Item {
    json: Vec<u8>,
    etag: Etag,
}

impl Cosmos {
    /// Opens the container, or says in a sentence why that can never be. An account that cannot be
    /// reached may come later: until then every call fails.
    pub(crate) async fn open(
        settings: &CosmosSettings,
        limits: SizeLimits,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            limits,
            name: settings.to_string().into(),
            container: Arc::new(Container::open(settings).await?),
            runtime: Handle::current(),
            turns: Turns::default(),
        })
    }

    fn check_key(&self, key: &str) -> Result<(), Error> {
        self.limits.check_key(key)?;
        key::check(key)
    }

    fn check_pair(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.limits.check_pair(key, value)?;
        key::check(key)
    }

    /// The first `limit` keys that `query` finds from `from` on.
    async fn some_keys(
        &self,
        query: &'static str,
        from: &str,
        limit: usize,
    ) -> Result<Option<Vec<String>>, Error> {
        let from = from.to_owned();
        let keys = self
            .call(move |container| async move {
                listing::some_keys(&container, query, &from, limit).await
            })
            .await;
        keys.map(Some)
            .map_err(|failure| self.failed("list keys", failure))
    }

    fn failed(&self, action: &'static str, failure: CallError) -> Error {
        failure.into_error(&self.name, action)
    }

    /// Makes a call where the connections live, for as long as a call may take.
    async fn call<T, F>(
        &self,
        call: impl FnOnce(ContainerClient) -> F + Send + 'static,
    ) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, CosmosError>> + Send,
    {
        let container = self.container.clone();
        let call = async move {
            let client = container.get().await?;
            let answer = call(client).await.map_err(CallError::Sdk);
            if answer
                .as_ref()
                .is_err_and(CallError::tells_of_another_region)
            {
                tracing::warn!("{} takes writes elsewhere now", container.settings());
                container.forget();
            }
            answer
        };
        match self.runtime.spawn(timeout(CALL_MAX, call)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(CallError::TimedOut),
            Err(_) => Err(CallError::Stopped),
        }
    }

    /// The item of `key`, if there is one.
    async fn read(&self, key: &str) -> Result<Option<Item>, Error> {
        const ACTION: &str = "read an item";
        let id = key.to_owned();
        let response = self
            .call(move |container| async move {
                let response = container.read_item(id.clone(), &id, None).await?;
                let etag = response.headers().etag().cloned();
                let json = response.into_body().single()?;
                Ok((json.into(), etag))
            })
            .await;
        match response {
            Ok((json, Some(etag))) => Ok(Some(Item { json, etag })),
            Ok((_, None)) => Err(self.failed(ACTION, CallError::Unfenced)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(self.failed(ACTION, failure)),
        }
    }

    /// Creates the item if there is none.
    async fn create(&self, turn: &Turn, document: Document) -> Result<SwapOutcome, Error> {
        let turn = turn.clone();
        let created = self
            .call(move |container| async move {
                let id = turn.key();
                container
                    .create_item(id.to_owned(), id, document, None)
                    .await
            })
            .await;
        match created {
            Ok(_) => Ok(SwapOutcome::Applied),
            Err(failure) if failure.is_conflict() => Ok(SwapOutcome::Changed),
            Err(failure) => Err(self.failed("create an item", failure)),
        }
    }

    /// Replaces the item if it is still the one of that `ETag`.
    async fn replace(
        &self,
        turn: &Turn,
        etag: Etag,
        document: Document,
    ) -> Result<SwapOutcome, Error> {
        let turn = turn.clone();
        let unchanged = Precondition::IfMatch(etag);
        let options = ItemWriteOptions::default().with_precondition(unchanged);
        let replaced = self
            .call(move |container| async move {
                let id = turn.key();
                container
                    .replace_item(id.to_owned(), id, document, Some(options))
                    .await
            })
            .await;
        match replaced {
            Ok(_) => Ok(SwapOutcome::Applied),
            Err(failure) if failure.is_changed() => Ok(SwapOutcome::Changed),
            Err(failure) => Err(self.failed("replace an item", failure)),
        }
    }

    async fn upsert(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        let document = Document::of_value(&key, value);
        let turn = self.turns.take(&key).await?;
        let upserted = self
            .call(move |container| async move {
                let id = turn.key();
                container
                    .upsert_item(id.to_owned(), id, document, None)
                    .await
            })
            .await;
        upserted
            .map(|_: ItemResponse| ())
            .map_err(|failure| self.failed("write an item", failure))
    }

    async fn remove(&self, key: String) -> Result<(), Error> {
        let turn = self.turns.take(&key).await?;
        let removed = self
            .call(move |container| async move {
                let id = turn.key();
                container.delete_item(id.to_owned(), id, None).await
            })
            .await;
        match removed {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) => Err(self.failed("delete an item", failure)),
        }
    }

    /// One try of an increment: the sum, or nothing if another writer came between.
    async fn try_increment(&self, turn: &Turn, delta: i64) -> Result<Option<i64>, Error> {
        let key = turn.key();
        let (swap, sum) = match self.read(key).await? {
            None => {
                let document = Document::of_integer(key, delta);
                (self.create(turn, document).await?, delta)
            }
            Some(item) => {
                let value = document::integer(key, &item.json)?;
                let sum = value.checked_add(delta).ok_or_else(|| Error::Overflow {
                    key: key.to_owned(),
                    value,
                    delta,
                })?;
                let document = Document::of_integer(key, sum);
                (self.replace(turn, item.etag, document).await?, sum)
            }
        };
        Ok((swap == SwapOutcome::Applied).then_some(sum))
    }
}

#[async_trait]
impl Store for Cosmos {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.check_key(key)?;
        let item = self.read(key).await?;
        item.map(|item| document::value(key, &item.json))
            .transpose()
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        self.check_pair(key, &value)?;
        self.upsert(key.to_owned(), value).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.check_key(key)?;
        self.remove(key.to_owned()).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.check_key(key)?;
        Ok(self.read(key).await?.is_some())
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        keys.iter().try_for_each(|key| self.check_key(key))?;
        let reads: Vec<_> = keys.iter().map(|key| self.get(key)).collect();
        stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        for (key, value) in &pairs {
            self.check_pair(key, value)?;
        }
        // Of a repeated key the last stays.
        let pairs: BTreeMap<_, _> = pairs.into_iter().collect();
        let writes: Vec<_> = pairs
            .into_iter()
            .map(|(key, value)| self.upsert(key, value))
            .collect();
        stream::iter(writes)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), Error> {
        keys.iter().try_for_each(|key| self.check_key(key))?;
        let removals: Vec<_> = keys.into_iter().map(|key| self.remove(key)).collect();
        stream::iter(removals)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    fn keys(&self) -> Keys {
        listing::keys(
            self.name.clone(),
            self.container.clone(),
            self.runtime.clone(),
        )
    }

    async fn keys_after(&self, after: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        self.some_keys(listing::KEYS_AFTER, after, limit).await
    }

    async fn keys_before(&self, before: &str, limit: usize) -> Result<Option<Vec<String>>, Error> {
        self.some_keys(listing::KEYS_BEFORE, before, limit).await
    }

    /// Reads, adds, and writes if nobody else has meanwhile; else again. The service's own patch
    /// adds as one step, but is not among what the SDK keeps stable, and by Spin's layout the sum
    /// has to fit a 64-bit float or be written otherwise. Within this host writes of a key take
    /// turns, so that only other hosts can come between.
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.check_key(key)?;
        let turn = self.turns.take(key).await?;
        let deadline = Instant::now() + CALL_MAX;
        loop {
            if let Some(sum) = self.try_increment(&turn, delta).await? {
                return Ok(sum);
            }
            if Instant::now() > deadline {
                // Each try was refused, so that nothing was written.
                return Err(Error::Contended {
                    key: key.to_owned(),
                });
            }
            sleep(collided()).await;
        }
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<SwapOutcome, Error> {
        self.check_pair(key, &value)?;
        let document = Document::of_value(key, value);
        let turn = self.turns.take(key).await?;
        let Some(expected) = expected else {
            return self.create(&turn, document).await;
        };
        match self.read(key).await? {
            Some(item) if document::value(key, &item.json)? == expected => {
                self.replace(&turn, item.etag, document).await
            }
            _ => Ok(SwapOutcome::Changed),
        }
    }
}

/// How long an increment waits before it reads again what another host has changed meanwhile: a
/// random time of some milliseconds, so that hosts do not keep pace.
fn collided() -> Duration {
    // Each state is keyed anew, so that it hashes the same to another number.
    let random = RandomState::new().hash_one(());
    Duration::from_millis(1 + random % 50)
}
