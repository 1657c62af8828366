//! Problems of the private routes, as RFC 9457 documents. The only file here that knows error status codes.

use guest::{Response, VariableFault};
use protocol::{ClaimError, OrderId, RenewError, StoreError};
use serde::Serialize;

/// The status of a host that cannot take another dispatch now.
pub const HAS_NO_ROOM: u16 = 503;
/// The status by which a receiver of notifications says that it wants to hear nothing more.
pub const WANTS_NO_MORE: u16 = 410;

/// An error on its way to whoever dispatched the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    title: &'static str,
    detail: String,
    faults: Vec<VariableFault>,
}

impl Problem {
    /// `path` names nothing, or not by this method.
    pub fn not_found(path: &str) -> Self {
        Self {
            status: 404,
            title: "There is nothing at this path",
            detail: format!("there is nothing at `{path}`"),
            faults: Vec::new(),
        }
    }

    /// `id` names no order.
    pub fn order_not_found(id: &str) -> Self {
        Self {
            status: 404,
            title: "There is no such order",
            detail: format!("there is no order `{id}`"),
            faults: Vec::new(),
        }
    }

    /// The claim was lost before the attempt could be settled.
    pub fn claim_lost(id: OrderId) -> Self {
        Self::conflict(format!(
            "the claim on order `{id}` was lost, so its attempt was not settled"
        ))
    }

    /// A release must say which claim.
    pub fn claim_token_missing() -> Self {
        let detail = "expected the header `Claim-Token`, found none".to_owned();
        Self {
            status: 400,
            title: "The claim's token is missing",
            detail,
            faults: Vec::new(),
        }
    }

    /// What a header gives as a token is none.
    pub fn token_invalid(name: &str, value: &str) -> Self {
        Self {
            status: 400,
            title: "The token is not valid",
            detail: format!("expected a UUID in the header `{name}`, found `{value}`"),
            faults: Vec::new(),
        }
    }

    /// An attempt that runs alone has this instance.
    pub fn instance_taken(id: OrderId) -> Self {
        Self::conflict(format!(
            "an attempt that must be alone has this instance, so order `{id}` is not claimed here"
        ))
    }

    /// A fault of the service or its configuration; it is logged too, since the caller may not look.
    pub fn internal(cause: String) -> Self {
        Self {
            status: 500,
            title: "The processor failed",
            detail: cause,
            faults: Vec::new(),
        }
        .logged()
    }

    /// Variables are not what they must be.
    pub fn misconfigured(faults: Vec<VariableFault>) -> Self {
        let sentences: Vec<_> = faults.iter().map(|fault| fault.detail.as_str()).collect();
        Self {
            status: 503,
            title: "The processor is not configured",
            detail: sentences.join("; "),
            faults,
        }
    }

    /// The same, logged too, since the caller may not look.
    pub fn logged(self) -> Self {
        eprintln!("{}", self.detail);
        self
    }

    fn conflict(detail: String) -> Self {
        Self {
            status: 409,
            title: "The order cannot be claimed now",
            detail,
            faults: Vec::new(),
        }
    }

    fn unavailable(detail: String) -> Self {
        Self {
            status: 503,
            title: "The store is not available",
            detail,
            faults: Vec::new(),
        }
    }

    /// The problem document.
    pub fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Document {
            title: &'static str,
            status: u16,
            detail: String,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            faults: Vec<VariableFault>,
        }
        let Self {
            status,
            title,
            detail,
            faults,
        } = self;
        Response::typed_json(
            status,
            "application/problem+json",
            &Document {
                title,
                status,
                detail,
                faults,
            },
        )
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::NotFound(id) => Self::order_not_found(&id.to_string()),
            ClaimError::Unavailable(_) | ClaimError::Exhausted(_) => {
                Self::conflict(error.to_string())
            }
            ClaimError::Damaged(cause) => Self::internal(cause),
            ClaimError::Store(error) => error.into(),
        }
    }
}

impl From<RenewError> for Problem {
    fn from(error: RenewError) -> Self {
        match error {
            RenewError::Lost(_) => Self::conflict(error.to_string()),
            RenewError::Store(cause) => Self::unavailable(cause),
        }
    }
}
