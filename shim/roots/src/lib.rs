//! Whom the shim trusts when it connects by TLS: Mozilla's roots, which are inside it, or those of
//! the file that `SSL_CERT_FILE` names.
//!
//! This stands in for the crate of the same name, through which the Azure SDK's HTTP client looks
//! for certificates in the file system, and offers no other way. An image `FROM scratch` has none
//! there, and a client that finds none is not made. Once that client takes roots from its caller,
//! this crate can go.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

/// Names a PEM file with the certificates to trust instead: for a proxy that opens TLS, or for an
/// authority of one's own.
const FILE: &str = "SSL_CERT_FILE";

/// What was found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CertificateResult {
    /// The certificates to trust.
    pub certs: Vec<CertificateDer<'static>>,
    /// What could not be read.
    pub errors: Vec<Error>,
}

/// Why a certificate could not be read: a sentence.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// The certificates to trust. Looks into the file system only where `SSL_CERT_FILE` says so.
pub fn load_native_certs() -> CertificateResult {
    certificates(std::env::var_os(FILE).filter(|file| !file.is_empty()))
}

fn certificates(file: Option<OsString>) -> CertificateResult {
    match file {
        Some(file) => of_file(Path::new(&file)),
        None => CertificateResult {
            certs: webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec(),
            errors: Vec::new(),
        },
    }
}

fn of_file(file: &Path) -> CertificateResult {
    let mut found = CertificateResult::default();
    let failed = |error: rustls_pki_types::pem::Error| {
        let sentence = format!("cannot read `{FILE}` `{}`: {error}", file.display());
        Error(sentence)
    };
    match CertificateDer::pem_file_iter(file) {
        Err(error) => found.errors.push(failed(error)),
        Ok(certificates) => {
            for certificate in certificates {
                match certificate {
                    Ok(certificate) => found.certs.push(certificate),
                    Err(error) => found.errors.push(failed(error)),
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_there_without_a_file() {
        let found = certificates(None);
        assert!(found.certs.len() > 100, "{}", found.certs.len());
        assert!(found.errors.is_empty());
    }

    #[test]
    fn a_file_is_trusted_instead_and_not_besides() {
        let missing = certificates(Some("no/such/file.pem".into()));
        assert!(missing.certs.is_empty());
        let [error] = &missing.errors[..] else {
            panic!("expected one error, found {:?}", missing.errors);
        };
        assert!(error.to_string().contains("`no/such/file.pem`"), "{error}");
    }
}
