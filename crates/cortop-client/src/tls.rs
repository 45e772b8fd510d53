//! Where to connect and how far to trust the peer: the URL, the roots, and the check of a server's
//! certificate (§1.1, §1.2). Plain text and unchecked TLS reach this machine only.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError,
    PeerIncompatible, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use thiserror::Error;
use tokio_tungstenite::tungstenite::http::Uri;

use super::client::Config;

/// The port of the Cortex service (§1.1).
const PORT: u16 = 6868;

/// What is wrong with the settings: one sentence with the next step.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The URL cannot be read.
    #[error("the URL \"{0}\" is not one of the Cortex service: write it as wss://localhost:6868")]
    Url(String),
    /// The URL has a port that cannot be one.
    #[error(
        "the URL \"{url}\" names port {port}, which does not exist: give the port on which the \
         Cortex service listens"
    )]
    Port {
        /// The URL.
        url: String,
        /// As it stands there.
        port: String,
    },
    /// Plain text to another machine.
    #[error(
        "ws:// is plain text and goes to this machine only: use wss://{host}:{port}, or a tunnel \
         with `ssh -L {port}:localhost:{port} user@{host}` and --url ws://localhost:{port}"
    )]
    PlainRemote {
        /// The machine.
        host: String,
        /// Its port.
        port: u16,
    },
    /// No certificate checks to another machine.
    #[error(
        "--insecure goes to this machine only: give the root of {host} with --ca-file, or use a \
         tunnel with `ssh -L {port}:localhost:{port} user@{host}` and --url wss://localhost:{port}"
    )]
    InsecureRemote {
        /// The machine.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The root's file cannot be read.
    #[error(
        "the root certificate {path} cannot be read ({error}): check the path given to --ca-file"
    )]
    CaUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The root's file has no certificate.
    #[error("{path} holds no usable certificate: --ca-file takes a root certificate in PEM form")]
    CaEmpty {
        /// The file.
        path: PathBuf,
    },
    /// No root at all.
    #[error(
        "this system has no root certificates to check the service with: install its CA \
         certificates, or give the root of EMOTIV with --ca-file"
    )]
    NoRoots,
}

/// A place to connect to that has passed all checks that need no connection.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// For the WebSocket handshake.
    pub(super) uri: Uri,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) trust: Trust,
}

/// How the peer is checked.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// Plain text, to this machine.
    Plain,
    /// TLS without checks, to this machine.
    Unchecked,
    /// TLS, checked against these roots.
    Roots(Arc<RootCertStore>),
}

impl Endpoint {
    /// Reads URL and roots.
    pub(super) fn new(config: &Config) -> Result<Self, SetupError> {
        let bad = || SetupError::Url(config.url.clone());
        let uri: Uri = config.url.trim().parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => return Err(bad()),
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = match port(&uri) {
            None => PORT,
            Some(port) => port.parse().ok().filter(|&number| number != 0).ok_or_else(|| {
                SetupError::Port { url: config.url.clone(), port: port.to_owned() }
            })?,
        };
        ServerName::try_from(host.as_str()).map_err(|_| bad())?;

        // Read even where it is not needed: a mistake is better told than passed over.
        let own = config.ca_file.as_deref().map(read_roots).transpose()?.unwrap_or_default();
        let local = is_this_machine(&host);
        let trust = match (tls, config.insecure) {
            (false, _) if local => Trust::Plain,
            (false, _) => return Err(SetupError::PlainRemote { host, port }),
            (true, true) if local => Trust::Unchecked,
            (true, true) => return Err(SetupError::InsecureRemote { host, port }),
            (true, false) => Trust::Roots(Arc::new(with_system_roots(own)?)),
        };
        Ok(Self { uri, host, port, trust })
    }

    /// Whether only addresses of this machine may be connected to.
    pub(super) fn is_local_only(&self) -> bool {
        !matches!(self.trust, Trust::Roots(_))
    }
}

/// The port as it stands in a URL; `Uri` passes over one that it cannot read.
fn port(uri: &Uri) -> Option<&str> {
    let (_, port) = uri.authority()?.as_str().rsplit_once(uri.host()?)?;
    port.strip_prefix(':').filter(|port| !port.is_empty())
}

/// Told by name or number alone: what a resolver answers is no ground for trust.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let pem = fs::read(path)
        .map_err(|error| SetupError::CaUnreadable { path: path.to_owned(), error })?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    let usable = RootCertStore::empty().add_parsable_certificates(roots.iter().cloned()).0;
    if usable == 0 { Err(SetupError::CaEmpty { path: path.to_owned() }) } else { Ok(roots) }
}

fn with_system_roots(own: Vec<CertificateDer<'static>>) -> Result<RootCertStore, SetupError> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!("some of the system's root certificates cannot be read: {error}");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system.certs.into_iter().chain(own));
    if roots.is_empty() { Err(SetupError::NoRoots) } else { Ok(roots) }
}

/// Set by the handshake when a wrong name was let pass.
#[derive(Clone, Debug, Default)]
pub(super) struct WrongName(Arc<AtomicBool>);

impl WrongName {
    pub(super) fn seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The TLS settings for one connection. `loopback`: the peer's address is one of this machine.
pub(super) fn client_config(
    roots: Option<Arc<RootCertStore>>,
    loopback: bool,
    wrong_name: WrongName,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let webpki = roots
        .map(|roots| {
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()
        })
        .transpose()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let verifier = Verifier { webpki, loopback, wrong_name, provider: Arc::clone(&provider) };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// rustls's own check, with one exception: on this machine a certificate whose chain is good may
/// carry another name, because nobody has published which one EMOTIV's carries (§1.2).
#[derive(Debug)]
struct Verifier {
    /// `None` checks nothing but the handshake's signatures (`--insecure`).
    webpki: Option<Arc<WebPkiServerVerifier>>,
    loopback: bool,
    wrong_name: WrongName,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(webpki) = &self.webpki else { return Ok(ServerCertVerified::assertion()) };
        let checked =
            webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            // rustls looks at the name last: this error says that the chain is good. A test with an
            // unknown root and a wrong name holds it to that.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.loopback => {
                self.wrong_name.0.store(true, Ordering::Relaxed);
                Ok(ServerCertVerified::assertion())
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

/// The certificate leads to no root, not even to a foreign one: its issuer is itself.
#[derive(Debug, Error)]
#[error("self-signed")]
struct SelfSigned;

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// Why a handshake failed, in one sentence with the next step.
pub(super) fn failed(error: &io::Error) -> String {
    tracing::debug!("the TLS handshake failed: {error}");
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => explain(error),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => {
                "the connection was closed during the TLS handshake: check that --url names a \
                 Cortex service that speaks TLS (wss://) and not plain text (ws://)"
                    .to_owned()
            }
            kind => format!(
                "the TLS handshake failed ({kind}): check that --url names a Cortex service"
            ),
        },
    }
}

/// What is wrong with the peer's TLS or its certificate, in one sentence with the next step.
pub(super) fn explain(error: &rustls::Error) -> String {
    let sentence = match error {
        rustls::Error::InvalidCertificate(reason) => return explain_certificate(reason),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => {
            "the service speaks only TLS 1.1 or older, which is not secure: update EMOTIV \
             Launcher (Cortex speaks TLS 1.2 since 3.7.0)"
        }
        rustls::Error::AlertReceived(_) => {
            "the service refused the TLS handshake: update EMOTIV Launcher and cortop"
        }
        rustls::Error::PeerIncompatible(_) => {
            "the service and cortop have no TLS algorithms in common: update EMOTIV Launcher and \
             cortop"
        }
        rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::PeerSentOversizedRecord => {
            "the answer is plain text or another protocol instead of TLS: check that --url names \
             a Cortex service; plain text on this computer is ws://"
        }
        rustls::Error::NoCertificatesPresented => {
            "the service shows no certificate: check that --url names a Cortex service"
        }
        _ => "the TLS handshake failed: check that --url names a Cortex service",
    };
    sentence.to_owned()
}

/// What is wrong with a certificate; chain and name are told apart (§1.2).
fn explain_certificate(reason: &CertificateError) -> String {
    use webpki::Error as Chain;
    let day = |seconds: u64| {
        let time = i64::try_from(seconds).ok().and_then(|at| Timestamp::from_second(at).ok());
        time.map_or_else(|| "an unknown day".to_owned(), |time| time.strftime("%F").to_string())
    };
    let sentence = match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate's name is not the host's, though its chain is good: use the name it \
             was made for in --url"
        }
        CertificateError::ExpiredContext { time, not_after } => {
            return format!(
                "the certificate expired on {}: update EMOTIV Launcher, and check this computer's \
                 clock, which says {}",
                day(not_after.as_secs()),
                day(time.as_secs())
            );
        }
        CertificateError::Expired => {
            "the certificate has expired: update EMOTIV Launcher, and check this computer's clock"
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            return format!(
                "the certificate is not valid before {}: check this computer's clock, which says \
                 {}",
                day(not_before.as_secs()),
                day(time.as_secs())
            );
        }
        CertificateError::NotValidYet => {
            "the certificate is not valid yet: check this computer's clock"
        }
        CertificateError::UnknownIssuer => {
            "the certificate's chain does not lead to a known root: install EMOTIV Launcher's \
             root, or give it with --ca-file"
        }
        CertificateError::BadSignature => {
            "the certificate's chain does not lead to a known root (one has its name, but another \
             key): install EMOTIV Launcher's root, or give it with --ca-file"
        }
        CertificateError::BadEncoding => {
            "the certificate cannot be read: update EMOTIV Launcher, or use --insecure on this \
             computer"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate was not made for a server: check that --url names a Cortex service"
        }
        CertificateError::Revoked => "the certificate has been revoked: update EMOTIV Launcher",
        CertificateError::Other(OtherError(other)) if other.is::<SelfSigned>() => {
            "the certificate is signed by itself and not by a known root: check that --url names \
             the Cortex service; if you trust this certificate, give it with --ca-file"
        }
        CertificateError::Other(OtherError(other)) => match other.downcast_ref::<Chain>() {
            Some(Chain::EndEntityUsedAsCa) => {
                "the certificate was signed by one that is not a certificate authority's (CA): \
                 install EMOTIV Launcher's root, or give it with --ca-file"
            }
            Some(Chain::CaUsedAsEndEntity) => {
                "the service shows a certificate authority's (CA) certificate as its own: update \
                 EMOTIV Launcher, or use --insecure on this computer"
            }
            Some(Chain::UnsupportedCertVersion) => {
                "the certificate is older than X.509 version 3 and cannot be checked: update \
                 EMOTIV Launcher, or use --insecure on this computer"
            }
            _ => {
                "the certificate cannot be checked: update EMOTIV Launcher, or use --insecure on \
                 this computer"
            }
        },
        _ => {
            "the certificate cannot be checked: update EMOTIV Launcher, or use --insecure on this \
             computer"
        }
    };
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::SessionPolicy;
    use cortop_protocol::Stream;

    fn endpoint(url: &str, insecure: bool, ca_file: Option<&Path>) -> Result<Endpoint, String> {
        let config = Config {
            url: url.into(),
            ca_file: ca_file.map(Path::to_owned),
            insecure,
            client_id: String::new().into(),
            client_secret: String::new().into(),
            headset: None,
            session: SessionPolicy::Auto,
            debit: None,
            streams: Stream::ALL.into(),
        };
        Endpoint::new(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn this_machine_may_be_reached_in_plain_text_and_by_any_notation() {
        for (url, host, port) in [
            ("ws://localhost:7000", "localhost", 7000),
            ("ws://127.0.0.1", "127.0.0.1", PORT),
            ("ws://[::1]:1", "::1", 1),
        ] {
            let endpoint = endpoint(url, false, None).unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port));
            assert!(endpoint.is_local_only());
        }
    }

    #[test]
    fn plain_text_to_another_machine_is_refused_with_the_tunnel_to_use() {
        let error = endpoint("ws://lab-pi:6868", false, None).unwrap_err();
        assert!(error.contains("ssh -L 6868:localhost:6868 user@lab-pi"), "{error}");
        let error = endpoint("wss://10.0.0.7", true, None).unwrap_err();
        assert!(error.contains("--insecure goes to this machine only"), "{error}");
        // A name that only looks like this machine.
        assert!(endpoint("ws://localhost.example.org", false, None).is_err());
    }

    #[test]
    fn a_port_that_cannot_be_one_is_refused_by_name() {
        for (url, port) in [
            ("ws://localhost:99999", "99999"),
            ("wss://localhost:0", "0"),
            ("ws://[::1]:70000", "70000"),
            ("wss://user@localhost:65536/", "65536"),
        ] {
            let error = endpoint(url, false, None).unwrap_err();
            assert!(error.contains(&format!("port {port},")), "{error}");
            assert!(!error.contains("6868"), "{error}");
        }
        assert_eq!(endpoint("ws://localhost:", false, None).unwrap().port, PORT);
    }

    #[test]
    fn what_is_no_url_is_refused_in_one_sentence() {
        for url in ["", "localhost:6868", "https://localhost", "wss://", "wss://a b", "ws://:1"] {
            let error = endpoint(url, false, None).unwrap_err();
            assert!(error.contains("wss://localhost:6868") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_root_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem");
        let error = endpoint("wss://localhost", false, Some(&missing)).unwrap_err();
        assert!(error.contains("missing.pem") && error.contains("--ca-file"), "{error}");

        let empty = folder.path().join("empty.pem");
        fs::write(&empty, "no certificate").unwrap();
        let error = endpoint("wss://localhost", false, Some(&empty)).unwrap_err();
        assert!(error.contains("empty.pem") && error.contains("PEM"), "{error}");
    }
}
