//! What a client sent, as work gets it.

use std::marker::PhantomData;

use protocol::Order;
use serde::de::DeserializeOwned;

use crate::WorkError;

/// What a client sent: byte for byte, and as the type `T`.
pub struct Sent<T> {
    order: Order,
    input: PhantomData<T>,
}

impl<T: DeserializeOwned> Sent<T> {
    /// What `order` holds.
    pub fn new(order: Order) -> Self {
        Self {
            order,
            input: PhantomData,
        }
    }

    /// The JSON text, byte for byte as it was sent.
    pub fn as_json(&self) -> &str {
        self.order.as_json()
    }

    /// It as `T`.
    ///
    /// # Errors
    /// A [permanent](WorkError::permanent) one, if it does not fit, as when it was accepted by an older version of the
    /// app, or by a schema that a variable set.
    pub fn read(&self) -> Result<T, WorkError> {
        serde_json::from_str(self.as_json())
            .map_err(|error| WorkError::permanent(format!("what was sent cannot be read: {error}")))
    }
}
