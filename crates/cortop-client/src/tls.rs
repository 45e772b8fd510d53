//! Checks a server's certificate (§1.2), and explains why a handshake failed.

use std::{
    borrow::Cow,
    io,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError,
    PeerIncompatible, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{Security, endpoint::Trust};
use cortop_protocol::{Error, ErrorKind};

/// How far the peer can be trusted; set by the handshake.
#[derive(Clone, Debug, Default)]
pub(super) struct HandshakeOutcome(Arc<OnceLock<Security>>);

impl HandshakeOutcome {
    pub(super) fn security(&self) -> Security {
        // A handshake cannot succeed without checking a certificate.
        self.0.get().copied().unwrap_or(Security::Unchecked)
    }
}

/// The TLS settings for one connection. `loopback`: the peer's address is one of this machine.
pub(super) fn client_config(
    trust: &Trust,
    loopback: bool,
) -> Result<(ClientConfig, HandshakeOutcome), rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let (webpki, trusted) = match trust {
        Trust::Roots { roots, trusted } => {
            let builder = WebPkiServerVerifier::builder_with_provider(
                Arc::clone(roots),
                Arc::clone(&provider),
            );
            let webpki =
                builder.build().map_err(|error| rustls::Error::General(error.to_string()))?;
            (Some(webpki), trusted.clone().filter(|_| loopback))
        }
        Trust::Plain | Trust::Unchecked => (None, None),
    };
    let outcome = HandshakeOutcome::default();
    let verifier = CertificateVerifier {
        webpki,
        trusted,
        loopback,
        outcome: outcome.clone(),
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok((config, outcome))
}

/// rustls's own check, with two exceptions on this machine. A certificate with a valid chain may
/// carry another name, because nobody has published which one EMOTIV's carries (§1.2). A
/// certificate without a valid chain may be the very one that the user trusts.
#[derive(Debug)]
struct CertificateVerifier {
    /// `None` checks nothing but the handshake's signatures (`--insecure`).
    webpki: Option<Arc<WebPkiServerVerifier>>,
    trusted: Option<CertificateDer<'static>>,
    loopback: bool,
    outcome: HandshakeOutcome,
    provider: Arc<CryptoProvider>,
}

impl CertificateVerifier {
    fn accept(&self, security: Security) -> ServerCertVerified {
        let _ = self.outcome.0.set(security);
        ServerCertVerified::assertion()
    }
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(webpki) = &self.webpki else { return Ok(self.accept(Security::Unchecked)) };
        let checked =
            webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            Ok(_) => Ok(self.accept(Security::Verified)),
            // rustls checks the name last, so this error means that the chain is valid. A test with
            // an unknown root and a wrong name verifies that order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.loopback => Ok(self.accept(Security::WrongName)),
            Err(rustls::Error::InvalidCertificate(_)) if self.trusted.is_some() => {
                if self.trusted.as_ref() == Some(end_entity) {
                    return Ok(self.accept(Security::Trusted));
                }
                let reason = CertificateError::Other(OtherError(Arc::new(Changed)));
                Err(rustls::Error::InvalidCertificate(reason))
            }
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
                if is_self_signed(end_entity) =>
            {
                let reason = CertificateError::Other(OtherError(Arc::new(SelfSigned)));
                Err(rustls::Error::InvalidCertificate(reason))
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate leads to no root at all: it is its own issuer.
#[derive(Debug, thiserror::Error)]
#[error("self-signed")]
struct SelfSigned;

/// The certificate is not the one that the user trusts.
#[derive(Debug, thiserror::Error)]
#[error("not the trusted one")]
struct Changed;

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// A tunnel accepts a connection before it knows whether its far end does.
pub(super) const FAR_END: &str =
    "; through a tunnel (ssh -L), check that the service runs at its far end";

/// The error of a failed handshake. `loopback`: with an address of this machine.
pub(super) fn failed(error: &io::Error, loopback: bool) -> Error {
    tracing::debug!("the TLS handshake failed: {error}");
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => explain(error),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => {
                let tunnel = if loopback { FAR_END } else { "" };
                let next = "check that --url names a Cortex service that speaks TLS (wss://) and \
                            not plain text (ws://)";
                let meaning = "the connection was closed during the TLS handshake";
                failure(meaning, format!("{next}{tunnel}"))
            }
            kind => failure(
                format!("the TLS handshake failed ({kind})"),
                "check that --url names a Cortex service",
            ),
        },
    }
}

fn failure(meaning: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Tls, meaning, next)
}

/// Explains what is wrong with the peer's TLS or its certificate.
pub(super) fn explain(error: &rustls::Error) -> Error {
    let (meaning, next) = match error {
        rustls::Error::InvalidCertificate(reason) => return explain_certificate(reason),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => (
            "the service speaks only TLS 1.1 or older, which is not secure",
            "update EMOTIV \
             Launcher (Cortex speaks TLS 1.2 since 3.7.0)",
        ),
        rustls::Error::AlertReceived(_) => {
            ("the service refused the TLS handshake", "update EMOTIV Launcher and cortop")
        }
        rustls::Error::PeerIncompatible(_) => (
            "the service and cortop have no TLS algorithms in common",
            "update EMOTIV Launcher and \
             cortop",
        ),
        rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::PeerSentOversizedRecord => (
            "the answer is plain text or another protocol instead of TLS",
            "check that --url names \
             a Cortex service; plain text on this computer is ws://",
        ),
        rustls::Error::NoCertificatesPresented => {
            ("the service shows no certificate", "check that --url names a Cortex service")
        }
        _ => ("the TLS handshake failed", "check that --url names a Cortex service"),
    };
    failure(meaning, next)
}

/// Explains what is wrong with a certificate; distinguishes chain and name (§1.2).
fn explain_certificate(reason: &CertificateError) -> Error {
    use webpki::Error as Chain;
    let day = |seconds: u64| {
        let time = i64::try_from(seconds).ok().and_then(|at| Timestamp::from_second(at).ok());
        time.map_or_else(|| "an unknown day".to_owned(), |time| time.strftime("%F").to_string())
    };
    let untrusted = |meaning, next| Error::new(ErrorKind::Untrusted, meaning, next);
    let (meaning, next) = match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "the certificate's name is not the host's, though its chain is good",
            "use the name it \
             was made for in --url",
        ),
        CertificateError::ExpiredContext { time, not_after } => {
            return failure(
                format!("the certificate expired on {}", day(not_after.as_secs())),
                format!(
                    "update EMOTIV Launcher, and check this computer's clock, which says {}",
                    day(time.as_secs())
                ),
            );
        }
        CertificateError::Expired => (
            "the certificate has expired",
            "update EMOTIV Launcher, and check this computer's clock",
        ),
        CertificateError::NotValidYetContext { time, not_before } => {
            return failure(
                format!("the certificate is not valid before {}", day(not_before.as_secs())),
                format!("check this computer's clock, which says {}", day(time.as_secs())),
            );
        }
        CertificateError::NotValidYet => {
            ("the certificate is not valid yet", "check this computer's clock")
        }
        CertificateError::UnknownIssuer => {
            return untrusted(
                "the certificate's chain does not lead to a known root",
                "install EMOTIV Launcher's root, give it with --ca-file, or, on this computer, \
                 look at the certificate with `cortop trust`",
            );
        }
        CertificateError::BadSignature => (
            "the certificate's chain does not lead to a known root (one has its name, but another \
             key)",
            "install EMOTIV Launcher's root, or give it with --ca-file",
        ),
        CertificateError::BadEncoding => (
            "the certificate cannot be read",
            "update EMOTIV Launcher, or use --insecure on this \
             computer",
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("the certificate was not made for a server", "check that --url names a Cortex service")
        }
        CertificateError::Revoked => ("the certificate has been revoked", "update EMOTIV Launcher"),
        CertificateError::Other(OtherError(other)) if other.is::<SelfSigned>() => {
            return untrusted(
                "the certificate is self-signed, not signed by a known root",
                "check that --url names the Cortex service; if you trust this certificate, keep \
                 it with `cortop trust`, or give it with --ca-file",
            );
        }
        CertificateError::Other(OtherError(other)) if other.is::<Changed>() => {
            return untrusted(
                "THE CERTIFICATE HAS CHANGED: it is not the one that you trust",
                "unless you reinstalled EMOTIV Launcher, another program is impersonating it; \
                 `cortop trust` compares the two",
            );
        }
        CertificateError::Other(OtherError(other)) => match other.downcast_ref::<Chain>() {
            Some(Chain::EndEntityUsedAsCa) => (
                "the certificate was signed by one that is not a certificate authority's (CA)",
                "\
             install EMOTIV Launcher's root, or give it with --ca-file",
            ),
            Some(Chain::CaUsedAsEndEntity) => (
                "the service shows a certificate authority's (CA) certificate as its own",
                "update \
             EMOTIV Launcher, or use --insecure on this computer",
            ),
            Some(Chain::UnsupportedCertVersion) => (
                "the certificate is older than X.509 version 3 and cannot be checked",
                "update \
             EMOTIV Launcher, or use --insecure on this computer",
            ),
            _ => (
                "the certificate cannot be checked",
                "update EMOTIV Launcher, or use --insecure on \
             this computer",
            ),
        },
        _ => (
            "the certificate cannot be checked",
            "update EMOTIV Launcher, or use --insecure on this \
             computer",
        ),
    };
    failure(meaning, next)
}
