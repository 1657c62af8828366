//! The keys of a container: all of them page by page, or those after one in order.
//!
//! For the ordered ones the SDK asks each physical partition, whose own order the service keeps in
//! the index of `id`, and merges what comes by its bytes. That index is there whatever the
//! container's indexing policy excludes.

use super::call_error::{CALL_MAX, CallError};
use super::container::Container;
use crate::{Error, Keys};
use azure_data_cosmos::clients::ContainerClient;
use azure_data_cosmos::feed::{FeedScope, QueryPageIterator};
use azure_data_cosmos::options::{FeedOptions, MaxItemCountHint, QueryOptions};
use azure_data_cosmos::{CosmosError, Query};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How many keys a batch holds at most.
const BATCH_KEYS: u32 = 1000;

/// Spin writes no other documents into a container whose partition key is `/id`.
const ALL_KEYS: &str = "SELECT c.id FROM c";

/// The SDK plans this by itself and has each partition answer the part that it merges.
pub(super) const KEYS_AFTER: &str = "SELECT c.id FROM c WHERE c.id > @from ORDER BY c.id";
pub(super) const KEYS_BEFORE: &str = "SELECT c.id FROM c WHERE c.id < @from ORDER BY c.id DESC";

/// An item of a page.
#[derive(Deserialize)]
struct Key {
    id: String,
}

/// A place between two pages. The service holds nothing for it: it is in a token of theirs.
struct Place {
    container: Arc<Container>,
    pages: Option<QueryPageIterator<Key>>,
}

/// Lists the keys, each page fetched where the connections live.
pub(super) fn keys(name: Arc<str>, container: Arc<Container>, runtime: Handle) -> Keys {
    let place = Place {
        container,
        pages: None,
    };
    stream::try_unfold(place, move |place| {
        let name = name.clone();
        let page = runtime.spawn(timeout(CALL_MAX, place.page()));
        async move {
            let failure = match page.await {
                Ok(Ok(Ok(page))) => return Ok(page),
                Ok(Ok(Err(failure))) => failure,
                Ok(Err(_)) => CallError::TimedOut,
                Err(_) => CallError::Stopped,
            };
            Err(failure.into_error(&name, "list keys"))
        }
    })
    // A page may be empty, or longer than was asked for.
    .map_ok(|keys: Vec<String>| {
        let batches = keys.chunks(BATCH_KEYS as usize);
        let batches: Vec<_> = batches
            .map(|batch| Ok::<_, Error>(batch.to_vec()))
            .collect();
        stream::iter(batches)
    })
    .try_flatten()
    .boxed()
}

impl Place {
    /// The keys of the next page, and the place after it; nothing at the end.
    async fn page(mut self) -> Result<Option<(Vec<String>, Self)>, CallError> {
        let pages = if let Some(pages) = &mut self.pages {
            pages
        } else {
            let container = self.container.get().await?;
            let page = NonZeroU32::new(BATCH_KEYS).expect("OK because it is a constant above 0");
            let begun = pages(&container, Query::from(ALL_KEYS), page).await;
            self.pages.insert(begun.map_err(CallError::Sdk)?)
        };
        let Some(page) = pages.try_next().await.map_err(CallError::Sdk)? else {
            return Ok(None);
        };
        let keys = page.into_items().into_iter().map(|key| key.id).collect();
        Ok(Some((keys, self)))
    }
}

/// The first `limit` keys that `query` finds from `from` on.
pub(super) async fn some_keys(
    container: &ContainerClient,
    query: &'static str,
    from: &str,
    limit: usize,
) -> Result<Vec<String>, CosmosError> {
    let query = Query::from(query).with_parameter("@from", from)?;
    let page = u32::try_from(limit).unwrap_or(u32::MAX).min(BATCH_KEYS);
    // No partition is asked for more than may be wanted of it. To ask for nothing is not allowed.
    let page = NonZeroU32::new(page).unwrap_or(NonZeroU32::MIN);
    let mut pages = pages(container, query, page).await?;
    let mut keys = Vec::new();
    while keys.len() < limit
        && let Some(page) = pages.try_next().await?
    {
        keys.extend(page.into_items().into_iter().map(|key| key.id));
    }
    keys.truncate(limit);
    Ok(keys)
}

/// The pages of `query` over all partitions, of so many keys each.
async fn pages(
    container: &ContainerClient,
    query: Query,
    page: NonZeroU32,
) -> Result<QueryPageIterator<Key>, CosmosError> {
    let options = QueryOptions::default().with_feed_options(
        FeedOptions::default()
            .with_max_item_count(MaxItemCountHint::Limit(page))
            // By default a container of more than 100 physical partitions would not be listed.
            .with_max_fan_out(u32::MAX),
    );
    let items = container
        .query_items(query, FeedScope::full_container(), Some(options))
        .await?;
    Ok(items.into_pages())
}
