//! Listing: the ids of orders under one kind of key, in order where the store lists in order.

use std::ops::{ControlFlow, Range};

use crate::{OrderId, Store, StoreError};

/// How a store lists keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// In order: those asked for were read, and no others.
    Ordered,
    /// In any order: every key of the store was gone through, and none was left out.
    Unordered,
}

/// Calls `visit` with the ids in `range` that have a key which begins with `prefix`.
///
/// In ascending order until `visit` breaks, where the store lists in order; else with all of them.
///
/// # Errors
/// If the store failed.
pub(crate) async fn ids<S: Store>(
    store: &S,
    prefix: &str,
    range: Range<Option<OrderId>>,
    mut visit: impl FnMut(OrderId) -> ControlFlow<()>,
) -> Result<Listing, StoreError> {
    let listing = ids_in_order(store, prefix, range.clone(), &mut visit).await?;
    if listing == Listing::Unordered {
        ids_in_any_order(store, &[(prefix, ())], |id, ()| {
            if is_in(&range, id) {
                // What would end an ordered listing ends nothing here.
                let _all_are_visited = visit(id);
            }
        })
        .await?;
    }
    Ok(listing)
}

/// Calls `visit` with the ids in `range` that have a key which begins with `prefix`, in ascending order
/// until it breaks; or says that the store lists in no order, and visits none.
async fn ids_in_order<S: Store>(
    store: &S,
    prefix: &str,
    range: Range<Option<OrderId>>,
    mut visit: impl FnMut(OrderId) -> ControlFlow<()>,
) -> Result<Listing, StoreError> {
    let mut after = match range.start {
        // Sorts before the key of this id and after those of smaller ones, but for fifteen.
        Some(start) => {
            let key = format!("{prefix}{start}");
            key[..key.len() - 1].to_owned()
        }
        None => prefix.to_owned(),
    };
    while let Some(page) = store.keys_after(&after).await? {
        for key in &page.keys {
            let Some(id) = key.strip_prefix(prefix) else {
                return Ok(Listing::Ordered);
            };
            // What is no id is not of this service.
            let Ok(id) = id.parse::<OrderId>() else {
                continue;
            };
            if range.end.is_some_and(|end| end <= id) {
                return Ok(Listing::Ordered);
            }
            if is_in(&range, id) && visit(id).is_break() {
                return Ok(Listing::Ordered);
            }
        }
        match page.keys.last() {
            Some(last) if !page.is_last => after.clone_from(last),
            _ => return Ok(Listing::Ordered),
        }
    }
    Ok(Listing::Unordered)
}

/// Calls `visit` with every id that has a key which begins with one of `prefixes`, and with what that
/// prefix stands for.
pub(crate) async fn ids_in_any_order<S: Store, T>(
    store: &S,
    prefixes: &[(&str, T)],
    mut visit: impl FnMut(OrderId, &T),
) -> Result<(), StoreError> {
    store
        .keys(|key| {
            for (prefix, meaning) in prefixes {
                if let Some(Ok(id)) = key.strip_prefix(prefix).map(str::parse) {
                    visit(id, meaning);
                }
            }
        })
        .await
}

fn is_in(range: &Range<Option<OrderId>>, id: OrderId) -> bool {
    range.start.is_none_or(|start| start <= id) && range.end.is_none_or(|end| id < end)
}
