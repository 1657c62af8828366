//! List: orders, newest first.

use std::collections::HashSet;

use futures::{StreamExt, stream};

use crate::update::{UpdateError, read};
use crate::{Key, OrderId, Record, Status, Store, StoreError};

/// How many records are read at once: enough to hide a store's latency.
const CONCURRENCY: usize = 16;
/// How many records one page looks at, at most, to find those that are asked for.
const LOOKED_AT_MAX: usize = 1_000;

/// Which orders to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Whose.
    pub owner: Option<String>,
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those whose id sorts before this one.
    pub before: Option<OrderId>,
    /// How many at most.
    pub limit: usize,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, newest first. Fewer than asked for if few of those looked at were meant.
    pub records: Vec<Record>,
    /// Where the next page begins: its [`ListQuery::before`]. `None` at the end.
    pub next: Option<OrderId>,
}

/// A page of orders, newest first.
///
/// Costs one listing of the keys, and one read for each record looked at: about the page's
/// size without a status, a thousand at most with one. For open orders only the markers are
/// gone through.
///
/// # Errors
/// If the store failed.
pub async fn list<S: Store>(store: &S, query: ListQuery) -> Result<Page, StoreError> {
    let only_open = query.status.is_some_and(|status| !status.is_terminal());
    let (mut candidates, open) = candidates(store, &query, only_open).await?;
    candidates.sort_unstable_by(|a, b| b.cmp(a));
    let has_more = candidates.len() > LOOKED_AT_MAX;
    candidates.truncate(LOOKED_AT_MAX);

    let mut records = Vec::with_capacity(query.limit);
    let mut last = None;
    let mut found = stream::iter(candidates.iter().copied())
        .map(|id| async move { (id, read(store, id).await) })
        .buffered(CONCURRENCY);
    while let Some((id, record)) = found.next().await {
        let record = match record {
            Ok(Some(record)) if is_listed(&record, &query, &open) => record,
            // Gone meanwhile, damaged, or not meant.
            Ok(_) | Err(UpdateError::Damaged { .. } | UpdateError::NotFound(_)) => {
                last = Some(id);
                continue;
            }
            Err(UpdateError::Store(error)) => return Err(error),
            Err(UpdateError::Refused(never)) => match never {},
        };
        if records.len() == query.limit {
            return Ok(Page {
                records,
                next: last,
            });
        }
        last = Some(id);
        records.push(record);
    }
    Ok(Page {
        records,
        next: last.filter(|_| has_more),
    })
}

/// The ids to look at, and those that are open.
async fn candidates<S: Store>(
    store: &S,
    query: &ListQuery,
    only_open: bool,
) -> Result<(Vec<OrderId>, HashSet<OrderId>), StoreError> {
    let mut recorded = Vec::new();
    let mut open = HashSet::new();
    store
        .keys(|key| {
            if let Some(id) = key.strip_prefix(Key::MARKER_PREFIX) {
                open.extend(id.parse::<OrderId>());
            } else if let Some(id) = key.strip_prefix(Key::RECORD_PREFIX)
                && !only_open
            {
                recorded.extend(id.parse::<OrderId>());
            }
        })
        .await?;
    let mut candidates = if only_open {
        open.iter().copied().collect()
    } else {
        recorded
    };
    candidates.retain(|id| query.before.is_none_or(|before| *id < before));
    Ok((candidates, open))
}

/// An open record without a marker was never accepted: nobody was told of it.
fn is_listed(record: &Record, query: &ListQuery, open: &HashSet<OrderId>) -> bool {
    record.owner == query.owner
        && query.status.is_none_or(|status| status == record.status())
        && (record.status().is_terminal() || open.contains(&record.id))
}
