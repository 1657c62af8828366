//! Labels in Redis, in the layout of Spin's own store, so that Spin and this host share one
//! server: a key is a key as it is, a value a string, a counter decimal text.
//!
//! Spin ignores the label: all labels of one database share its keys. [`Stores`](super::Stores)
//! therefore refuses a second label on one database.
//!
//! How durable a write is when it returns is the server's setting: see [`persistence`]. A write whose
//! answer is lost is not repeated: it fails, and the caller decides. See [`connection`] for what is.

mod address;
mod connection;
mod fate;
mod persistence;

pub use address::RedisAddress;

use self::connection::Connection;
use self::fate::Fate;
use super::{Error, Keys, OpenError, SizeLimits, Store, SwapOutcome};
use ::redis::{FromRedisValue, RedisError, ServerErrorKind, cmd};
use async_trait::async_trait;
use futures::future::ready;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::sync::Arc;

/// How many keys a command names, or asks for: Redis serves nobody else meanwhile.
const BATCH_KEYS: usize = 500;

/// Sets `KEYS[1]` to `ARGV[1]` if it holds `ARGV[2]`, or is absent where no `ARGV[2]` is given. A
/// script runs alone, which WATCH and EXEC would need a connection of their own for. It is sent
/// whole each time: a server that has just taken over knows none by its digest.
const COMPARE_AND_SWAP: &str =
    "if redis.call('GET', KEYS[1]) ~= (ARGV[2] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1";

/// One database of a Redis server, which is one label.
#[derive(Clone)]
pub(super) struct RedisStore {
    limits: SizeLimits,
    connection: Connection,
}

impl RedisStore {
    /// Connects to `address`.
    ///
    /// A server that cannot be reached is no fault: it may come later, and until then every call
    /// fails. What will not mend by itself is: credentials, or a database that is not there.
    pub(super) async fn open(
        address: &RedisAddress,
        limits: SizeLimits,
    ) -> Result<Self, OpenError> {
        let connection = Connection::open(address).await?;
        persistence::warn_of_losses(&connection).await;
        Ok(Self { limits, connection })
    }

    async fn ask<T: FromRedisValue>(
        &self,
        action: &'static str,
        command: &::redis::Cmd,
    ) -> Result<T, Error> {
        let answer = command.query_async(&mut self.connection.clone()).await;
        answer.map_err(|error| self.failed(action, error))
    }

    fn failed(&self, action: &'static str, error: RedisError) -> Error {
        if error.code() == Some(WRONG_TYPE) {
            return Error::Foreign {
                what: "the value of a key".to_owned(),
                found: "another Redis type".to_owned(),
                expected: "string",
            };
        }
        let store = self.connection.name().clone();
        match Fate::of(&error) {
            Fate::Misdirected | Fate::Refused => Error::Refused {
                store,
                action,
                cause: Arc::new(error),
            },
            Fate::Unanswered | Fate::Answered => Error::Unavailable {
                store,
                action,
                cause: Arc::new(error),
            },
        }
    }

    /// Why an increment was answered with an error.
    async fn not_incremented(&self, key: &str, delta: i64, error: RedisError) -> Error {
        let not_an_integer = |found| Error::NotAnInteger {
            key: key.to_owned(),
            found,
        };
        if error.code() == Some(WRONG_TYPE) {
            return not_an_integer("another Redis type".to_owned());
        }
        if error.kind() != ServerErrorKind::ResponseError.into() {
            return self.failed("increment", error);
        }
        // Redis tells what it found by a sentence alone, so it is looked at.
        match self
            .ask::<Option<Vec<u8>>>("read", cmd("GET").arg(key))
            .await
        {
            Ok(Some(bytes)) => match str::from_utf8(&bytes).map(str::parse) {
                Ok(Ok(value)) => Error::Overflow {
                    key: key.to_owned(),
                    value,
                    delta,
                },
                _ => not_an_integer(format!("{} bytes", bytes.len())),
            },
            Ok(None) => self.failed("increment", error),
            Err(error) => error,
        }
    }
}

/// The code of Redis's error for a command that does not fit what the key holds.
const WRONG_TYPE: &str = "WRONGTYPE";

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.limits.check_key(key)?;
        self.ask("read", cmd("GET").arg(key)).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        self.limits.check_pair(key, &value)?;
        self.ask("write", cmd("SET").arg(key).arg(value)).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.limits.check_key(key)?;
        self.ask("delete", cmd("DEL").arg(key)).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.limits.check_key(key)?;
        self.ask("read", cmd("EXISTS").arg(key)).await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.limits.check_keys(keys)?;
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH_KEYS) {
            let batch: Vec<Option<Vec<u8>>> = self.ask("read", cmd("MGET").arg(keys)).await?;
            values.extend(batch);
        }
        Ok(values)
    }

    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        for (key, value) in &pairs {
            self.limits.check_pair(key, value)?;
        }
        for pairs in pairs.chunks(BATCH_KEYS) {
            self.ask::<()>("write", cmd("MSET").arg(pairs)).await?;
        }
        Ok(())
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), Error> {
        self.limits.check_keys(&keys)?;
        for keys in keys.chunks(BATCH_KEYS) {
            self.ask::<()>("delete", cmd("DEL").arg(keys)).await?;
        }
        Ok(())
    }

    fn keys(&self) -> Keys {
        // The cursor is all that a scan needs between two batches; Redis keeps nothing for it.
        // `None` ends the stream, after an error too.
        stream::unfold(Some((self.clone(), 0_u64)), |next| async {
            let (store, cursor) = next?;
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("COUNT").arg(BATCH_KEYS);
            match store.ask::<(u64, Vec<String>)>("list keys", &scan).await {
                Ok((0, batch)) => Some((Ok(batch), None)),
                Ok((cursor, batch)) => Some((Ok(batch), Some((store, cursor)))),
                Err(error) => Some((Err(error), None)),
            }
        })
        // A scan goes through the server's table part by part, and a part may hold no key.
        .try_filter(|batch| ready(!batch.is_empty()))
        .boxed()
    }

    /// Redis keeps its keys in no order.
    async fn keys_after(&self, _: &str, _: usize) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }

    async fn keys_before(&self, _: &str, _: usize) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.limits.check_key(key)?;
        let mut connection = self.connection.clone();
        let mut increment = cmd("INCRBY");
        increment.arg(key).arg(delta);
        match increment.query_async(&mut connection).await {
            Ok(sum) => Ok(sum),
            Err(error) => Err(self.not_incremented(key, delta, error).await),
        }
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<SwapOutcome, Error> {
        self.limits.check_pair(key, &value)?;
        let mut swap = cmd("EVAL");
        swap.arg(COMPARE_AND_SWAP).arg(1).arg(key).arg(value);
        if let Some(expected) = expected {
            swap.arg(expected);
        }
        Ok(if self.ask("swap", &swap).await? {
            SwapOutcome::Applied
        } else {
            SwapOutcome::Changed
        })
    }
}
