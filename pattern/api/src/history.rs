//! `GET /orders`: the caller's orders, newest first.

use guest::Response;
use protocol::{ListQuery, OrderId, Status};

use work::Work;

use crate::call::Call;
use crate::document;
use crate::problem::Problem;

/// How many orders a page has unless the client says otherwise.
const LIMIT_DEFAULT: usize = 20;
/// How many orders a page has at most.
const LIMIT_MAX: usize = 100;

/// A page of status documents, and the cursor of the next.
///
/// Stable while orders arrive: a cursor names a place among ids, and new orders come before it.
pub async fn get<W: Work>(call: Call, query: &str) -> Result<Response, Problem> {
    let query = Query::parse(query)?;
    let page = protocol::list(
        &call.app.store,
        ListQuery {
            owner: call.owner,
            status: query.status,
            before: query.cursor,
            limit: query.limit,
        },
    )
    .await?;
    let response = Response::json(200, &document::page::<W>(&page.records, page.next))
        .header("cache-control", "no-store");
    Ok(match page.next {
        Some(cursor) => response.header(
            "link",
            format!(
                "<{}>; rel=\"next\"",
                query.with_cursor(W::COLLECTION, cursor)
            ),
        ),
        None => response,
    })
}

/// What the query string asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Query {
    status: Option<Status>,
    limit: usize,
    cursor: Option<OrderId>,
}

impl Query {
    /// Reads `status`, `limit` and `cursor`; other parameters are left to others.
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut parsed = Self {
            status: None,
            limit: LIMIT_DEFAULT,
            cursor: None,
        };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "status" => {
                    let status = Status::ALL
                        .into_iter()
                        .find(|status| status.as_str() == value);
                    parsed.status = Some(status.ok_or_else(|| {
                        let names = Status::ALL.map(Status::as_str).join("`, `");
                        Problem::invalid_query(&format!(
                            "expected `status` to be one of `{names}`, found `{value}`"
                        ))
                    })?);
                }
                "limit" => {
                    let limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    parsed.limit = limit.ok_or_else(|| {
                        Problem::invalid_query(&format!(
                            "expected `limit` to be 1 to {LIMIT_MAX}, found `{value}`"
                        ))
                    })?;
                }
                "cursor" => {
                    parsed.cursor = Some(value.parse().map_err(|_| {
                        Problem::invalid_query(&format!(
                            "expected `cursor` to be a `nextCursor`, found `{value}`"
                        ))
                    })?);
                }
                _ => {}
            }
        }
        Ok(parsed)
    }

    fn with_cursor(self, collection: &str, cursor: OrderId) -> String {
        let status = self
            .status
            .map(|status| format!("status={}&", status.as_str()))
            .unwrap_or_default();
        format!("/{collection}?{status}limit={}&cursor={cursor}", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_its_next_page_keeps_it() {
        let query = Query::parse("status=failed&limit=5&other=1").expect("a good query");
        assert_eq!(
            (query.status, query.limit, query.cursor),
            (Some(Status::Failed), 5, None)
        );
        let cursor = "0199f3c2-7d1a-7b3e-9c55-2f60a1b4c8d7"
            .parse()
            .expect("an id");
        assert_eq!(
            query.with_cursor("orders", cursor),
            format!("/orders?status=failed&limit=5&cursor={cursor}")
        );
    }

    #[test]
    fn what_cannot_be_asked_for_is_a_problem() {
        for query in [
            "status=open",
            "status=",
            "limit=0",
            "limit=101",
            "limit=x",
            "cursor=",
            "cursor=1",
        ] {
            assert!(Query::parse(query).is_err(), "`{query}`");
        }
    }
}
