//! Who calls: bearer tokens (RFC 6750), of which the service knows only hashes.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::problem::Problem;

/// What the variable says where everybody may call.
const NONE: &str = "none";

/// The tokens that the service takes; none if it is open to all.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Token>);

#[derive(Clone)]
struct Token {
    owner: String,
    sha256: [u8; 32],
}

impl Tokens {
    /// Reads the variable `api_tokens`: pairs `name:sha256-in-hexadecimal`, separated by commas; or
    /// `none`, by which the service is open to all. Nothing at all is no way to say so: a secret that
    /// is missing must not open the service.
    ///
    /// # Errors
    /// With a sentence that does not repeat the value.
    pub fn parse(variable: &str) -> Result<Self, String> {
        if variable.trim() == NONE {
            return Ok(Self::default());
        }
        let pairs = variable
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty());
        let tokens = pairs.enumerate().map(|(index, pair)| {
            Token::parse(pair).ok_or_else(|| {
                format!(
                    "the variable `api_tokens` must be pairs of `name:sha256`, where the second is 64 hexadecimal digits; pair {} is not",
                    index + 1
                )
            })
        });
        let tokens: Vec<_> = tokens.collect::<Result<_, _>>()?;
        if tokens.is_empty() {
            return Err(format!(
                "the variable `api_tokens` must be pairs of `name:sha256`, found none; write `{NONE}` to let everybody call"
            ));
        }
        Ok(Self(tokens))
    }

    /// Whether the service is open to all.
    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl Token {
    fn parse(pair: &str) -> Option<Self> {
        let (owner, hex) = pair.rsplit_once(':')?;
        if owner.is_empty() || hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut sha256 = [0; 32];
        for (byte, digits) in sha256.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self {
            owner: owner.to_owned(),
            sha256,
        })
    }
}

/// The name of the caller who presents `authorization`; `None` if the service is open to all.
///
/// Every known token is compared, each in constant time and by its hash, so that the time
/// taken tells nothing of a token or of how many there are before it.
///
/// # Errors
/// A problem, if the service is not open and no known token is presented.
pub fn owner(tokens: &Tokens, authorization: Option<&str>) -> Result<Option<String>, Problem> {
    if tokens.0.is_empty() {
        return Ok(None);
    }
    let presented = authorization
        .and_then(bearer_token)
        .ok_or_else(Problem::unauthorized)?;
    let presented: [u8; 32] = Sha256::digest(presented).into();
    let mut owner = None;
    for token in &tokens.0 {
        if bool::from(token.sha256.ct_eq(&presented)) {
            owner = Some(token.owner.clone());
        }
    }
    owner.map(Some).ok_or_else(Problem::invalid_token)
}

/// RFC 6750 §2.1; the scheme's name is case-insensitive (RFC 9110 §11.1).
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `secret`.
    const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn a_caller_is_known_by_their_token() {
        let Ok(tokens) = Tokens::parse(&format!("other:{}, ada:{SECRET}", "0".repeat(64))) else {
            panic!("expected tokens")
        };
        assert_eq!(
            owner(&tokens, Some("Bearer secret"))
                .ok()
                .flatten()
                .as_deref(),
            Some("ada")
        );
        assert_eq!(
            owner(&tokens, Some("bearer  secret"))
                .ok()
                .flatten()
                .as_deref(),
            Some("ada")
        );
        for authorization in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer Secret"),
            Some("Basic secret"),
        ] {
            assert!(owner(&tokens, authorization).is_err(), "{authorization:?}");
        }
    }

    #[test]
    fn without_tokens_the_service_is_open() {
        let Ok(tokens) = Tokens::parse(" none ") else {
            panic!("expected no tokens")
        };
        assert!(matches!(owner(&tokens, None), Ok(None)));
    }

    #[test]
    fn the_service_is_not_open_by_accident() {
        for variable in ["", " ", ",", " , ,", "None", "none,"] {
            assert!(Tokens::parse(variable).is_err(), "`{variable}`");
        }
    }

    #[test]
    fn a_pair_that_is_none_is_refused_without_being_repeated() {
        for variable in [
            "ada",
            "ada:123",
            &format!(":{SECRET}"),
            &format!("ada:{}", "g".repeat(64)),
        ] {
            let refused = Tokens::parse(variable).err();
            assert!(
                refused.is_some_and(|sentence| !sentence.contains(variable)),
                "`{variable}`"
            );
        }
    }
}
