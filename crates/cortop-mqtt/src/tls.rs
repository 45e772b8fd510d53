//! TLS to a broker, and explanations of failed handshakes. There are no exceptions for any certificate:
//! a broker's name and chain are always checked.

use std::{borrow::Cow, io, sync::Arc};

use jiff::Timestamp;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError,
    PeerIncompatible, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
};

use cortop_protocol::{Error, ErrorKind};

/// A client's certificate and its chain, and the key.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The configuration of TLS for a broker.
pub(crate) fn client_config(
    roots: RootCertStore,
    identity: Option<Identity>,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let webpki =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let webpki = webpki.build().map_err(|error| rustls::Error::General(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ChainVerifier(webpki)));
    match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key),
        None => Ok(builder.with_no_client_auth()),
    }
}

/// rustls's own verifier, except that it distinguishes a self-signed certificate from one with an unknown
/// root.
#[derive(Debug)]
struct ChainVerifier(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked =
            self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
                if is_self_signed(end_entity) =>
            {
                let reason = CertificateError::Other(OtherError(Arc::new(SelfSignedBroker)));
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
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The certificate was issued by itself.
#[derive(Debug, thiserror::Error)]
#[error("self-signed")]
struct SelfSignedBroker;

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// Why a handshake failed, or a connection ended right after it: with TLS 1.3, the peer checks a client's
/// certificate only after the client considers itself connected.
pub(crate) fn failed(error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => explain(error),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => failure(
                "the connection was closed during the TLS handshake",
                "check that the port of --broker is the broker's for TLS (mosquitto: a listener with \
                 certfile and keyfile)",
            ),
            kind => failure(format!("the TLS handshake failed ({kind})"), CHECK),
        },
    }
}

const CHECK: &str = "check that --broker names an MQTT broker that speaks TLS";
const ROOT: &str = "give the root that signed the broker's certificate as ca-file in [mqtt]";
const RENEW: &str = "renew the broker's certificate, and check this computer's clock";
const IDENTITY: &str = "check certificate and key in [mqtt] against what the broker trusts (mosquitto: \
                        cafile of the listener)";

fn failure(meaning: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Tls, meaning, next)
}

/// What is wrong with the peer's TLS, its certificate, or ours.
fn explain(error: &rustls::Error) -> Error {
    let (meaning, next) = match error {
        rustls::Error::InvalidCertificate(reason) => return explain_certificate(reason),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => (
            "the broker asks for a client certificate, and none is configured",
            "set certificate and key in [mqtt] of the config file",
        ),
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied,
        ) => ("the broker does not accept this client's certificate", IDENTITY),
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => (
            "the broker says that this client's certificate has expired",
            "renew it, and check the clocks of both computers",
        ),
        rustls::Error::AlertReceived(AlertDescription::CertificateRevoked) => {
            ("the broker says that this client's certificate was revoked", IDENTITY)
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => (
            "the broker speaks only TLS 1.1 or older, which is not secure",
            "let it speak TLS 1.2 or 1.3 (mosquitto: tls_version)",
        ),
        rustls::Error::AlertReceived(_) => ("the broker refused the TLS handshake", CHECK),
        rustls::Error::PeerIncompatible(_) => {
            ("the broker and cortop have no TLS algorithms in common", "update the broker")
        }
        rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::PeerSentOversizedRecord => (
            "the answer is plain text or another protocol instead of TLS",
            "check that the port of --broker is the broker's for TLS; plain text on this computer is \
             mqtt://",
        ),
        rustls::Error::NoCertificatesPresented => ("the broker shows no certificate", CHECK),
        _ => ("the TLS handshake failed", CHECK),
    };
    failure(meaning, next)
}

/// What is wrong with the broker's certificate, its chain or its name.
fn explain_certificate(reason: &CertificateError) -> Error {
    let day = |seconds: u64| {
        let time = i64::try_from(seconds).ok().and_then(|at| Timestamp::from_second(at).ok());
        time.map_or_else(|| "an unknown day".to_owned(), |time| time.strftime("%F").to_string())
    };
    let (meaning, next) = match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "the certificate's name is not the broker's, though its chain is good",
            "use the name it was made for in --broker",
        ),
        CertificateError::ExpiredContext { not_after, .. } => {
            let meaning = format!("the certificate expired on {}", day(not_after.as_secs()));
            return failure(meaning, RENEW);
        }
        CertificateError::Expired => ("the certificate has expired", RENEW),
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
            ("the certificate's chain does not lead to a known root", ROOT)
        }
        CertificateError::BadSignature => (
            "the certificate's chain does not lead to a known root (one has its name, but another \
             key)",
            ROOT,
        ),
        CertificateError::Other(OtherError(other)) if other.is::<SelfSignedBroker>() => (
            "the certificate is self-signed, not signed by a known root",
            "have it signed by a root of your own, and give that as ca-file in [mqtt]",
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("the certificate was not made for a server", "give the broker one that is")
        }
        CertificateError::Revoked => ("the certificate has been revoked", RENEW),
        CertificateError::BadEncoding => ("the certificate cannot be read", RENEW),
        _ => (
            "the certificate cannot be checked",
            "give the broker one of X.509 version 3 that was signed by a certificate authority",
        ),
    };
    failure(meaning, next)
}
