//! Where a Redis database is, as a URL says it.

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use std::fmt;

/// A database of a Redis server, and the credentials for it, which are never shown.
#[derive(Clone)]
pub struct RedisAddress(ConnectionInfo);

impl RedisAddress {
    /// Reads `redis://[user][:password@]host[:port][/database]`, or `rediss://` for TLS.
    ///
    /// # Errors
    /// What is wrong with it, in words that do not repeat it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let info = url
            .into_connection_info()
            .map_err(|error| error.to_string())?;
        if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
            return Err("asks for TLS without checking the server".to_owned());
        }
        Ok(Self(info))
    }

    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.0
    }

    fn place(&self) -> (&ConnectionAddr, i64) {
        (self.0.addr(), self.0.redis_settings().db())
    }
}

/// Equal are those that lead to the same keys, whoever asks for them.
impl PartialEq for RedisAddress {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for RedisAddress {}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, database) = self.place();
        write!(f, "Redis at {address}, database {database}")
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_shows_its_credentials() {
        let address = RedisAddress::parse("rediss://user:secret@example.com/3").expect("is valid");
        assert_eq!(address.to_string(), "Redis at example.com:6379, database 3");
        assert!(!format!("{address:?}").contains("secret"));
        let problem = RedisAddress::parse("http://user:secret@example.com").expect_err("is not");
        assert!(!problem.contains("secret"), "{problem}");
    }

    #[test]
    fn tls_is_never_unchecked() {
        assert!(RedisAddress::parse("rediss://example.com/#insecure").is_err());
    }
}
