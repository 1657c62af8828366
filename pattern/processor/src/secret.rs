//! The keys that notifications are signed with, by the symmetric signature of Standard Webhooks 1.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guest::Variables;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a key begins with, by Standard Webhooks.
const PREFIX: &str = "whsec_";
/// How long a key may be, in bytes, by Standard Webhooks.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Keys; several while one replaces another. They have no `Debug`, and are in no message.
pub struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// Reads `notify_secret`: keys, separated by spaces or commas.
    pub async fn from_variables(variables: &mut Variables) -> Self {
        let value = variables.text("notify_secret").await;
        Self::read(&value).unwrap_or_else(|| {
            // What was found is not told.
            let detail = "the variable `notify_secret` must be empty, or `whsec_` and 24 to 64 bytes in base64, or several of that, separated by spaces";
            variables.fault("notify_secret", detail.to_owned());
            Self(Vec::new())
        })
    }

    fn read(variable: &str) -> Option<Self> {
        let keys = variable
            .split([' ', ',', '\n', '\r', '\t'])
            .filter(|secret| !secret.is_empty());
        let read = |secret: &str| {
            let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
            KEY_BYTES.contains(&key.len()).then_some(key)
        };
        keys.map(read).collect::<Option<_>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `webhook-signature` for a message: a signature by each key.
    pub fn sign(&self, id: &str, timestamp: u64, body: &str) -> String {
        let content = format!("{id}.{timestamp}.{body}");
        let signatures: Vec<_> = self
            .0
            .iter()
            .map(|key| {
                // OK because HMAC takes a key of any length.
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
                mac.update(content.as_bytes());
                format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
            })
            .collect();
        signatures.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of <https://www.standardwebhooks.com>, as its reference libraries test it.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_message_is_signed_as_the_standards_example_is() {
        let secrets = Secrets::read(SECRET).expect("a key");
        let signature = secrets.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_keys_are_replaced_each_signs() {
        let two = format!("{SECRET}, whsec_{}\n", STANDARD.encode([7; 24]));
        let signature = Secrets::read(&two).expect("two keys").sign("a", 1, "");
        assert_eq!(signature.split(" v1,").count(), 2);
        assert!(Secrets::read(" ").is_some_and(|secrets| secrets.is_empty()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_",
            "whsec_c2hvcnQ=",
            "whsec_***",
            "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert!(Secrets::read(text).is_none(), "`{text}`");
        }
    }
}
