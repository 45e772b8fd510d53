//! A service's certificate, in the terms in which a person compares it: subject, issuer, validity
//! and fingerprint.

use std::{fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _, time::ASN1Time};

/// Bytes in a line of PEM, before base64 encoding (RFC 7468).
const LINE: usize = 48;

/// A certificate that a service has shown, or that the user trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(CertificateDer<'static>);

/// What a certificate claims about itself. Nobody has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The owner's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The first and the last moment of its validity.
    pub validity: Option<(Timestamp, Timestamp)>,
}

impl Certificate {
    pub(super) fn new(der: CertificateDer<'static>) -> Self {
        Self(der)
    }

    /// Reads a certificate from a PEM file.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn read(path: &Path) -> io::Result<Self> {
        let pem = fs::read(path)?;
        let der = CertificateDer::from_pem_slice(&pem);
        der.map(Self).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
    }

    /// The SHA-256 of the whole certificate, as browsers and `openssl x509 -fingerprint` show it:
    /// pairs of hexadecimal digits with colons between them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = ring::digest::digest(&ring::digest::SHA256, &self.0);
        let pairs: Vec<_> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    /// What it claims about itself; `None` if it cannot be parsed.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        let (_, parsed) = X509Certificate::from_der(&self.0).ok()?;
        let moment = |time: ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        let validity = parsed.validity();
        Some(Claims {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            validity: moment(validity.not_before).zip(moment(validity.not_after)),
        })
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let lines: String = self.0.chunks(LINE).map(|line| STANDARD.encode(line) + "\n").collect();
        format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_survives_its_pem_and_says_whose_it_is() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Cortex of a test");
        let made = params.self_signed(&key).unwrap();
        let certificate = Certificate::new(made.der().clone());

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.pem");
        fs::write(&file, certificate.to_pem()).unwrap();
        assert_eq!(Certificate::read(&file).unwrap(), certificate);
        let claims = certificate.claims().unwrap();
        assert_eq!(
            (claims.subject.as_str(), &claims.subject),
            ("CN=Cortex of a test", &claims.issuer)
        );
        assert!(claims.validity.is_some_and(|(from, to)| from < to));
        assert_eq!(certificate.fingerprint().len(), 32 * 3 - 1);

        fs::write(&file, "no certificate").unwrap();
        assert!(Certificate::read(&file).is_err());
    }
}
