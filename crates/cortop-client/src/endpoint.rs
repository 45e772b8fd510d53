//! Where to connect and how far to trust the peer: the URL and the root certificates (§1.1, §1.2),
//! checked before any connection is made. Plain text and unchecked TLS are allowed to this machine
//! only.

use std::{borrow::Cow, fs, net::IpAddr, path::Path, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_tungstenite::tungstenite::http::Uri;

use cortop_protocol::{Error, ErrorKind};

/// The port of the Cortex service (§1.1).
const PORT: u16 = 6868;

/// An address that has passed all checks that need no connection.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// For the WebSocket handshake.
    pub(super) uri: Uri,
    /// The host, without brackets.
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
    /// TLS, checked against these roots and, on this machine, against the certificate that the user
    /// trusts.
    Roots { roots: Arc<RootCertStore>, trusted: Option<CertificateDer<'static>> },
}

/// What a peer's certificate is checked against, as configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustFiles<'a> {
    /// Root certificates (PEM) in addition to the system's.
    pub ca_file: Option<&'a Path>,
    /// The certificate that the user trusts (PEM); honoured on this machine only. None is trusted as
    /// long as the file does not exist.
    pub trusted: Option<&'a Path>,
    /// Skip all checks; on this machine only.
    pub insecure: bool,
}

/// The parts of a service's URL.
struct ServiceAddress {
    uri: Uri,
    tls: bool,
    /// The host, without brackets.
    host: String,
    port: u16,
}

impl ServiceAddress {
    fn new(url: &str) -> Result<Self, Error> {
        let bad = || {
            let meaning = format!("the URL \"{url}\" is not one of the Cortex service");
            unusable(meaning, "write it as wss://localhost:6868")
        };
        let uri: Uri = url.trim().parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => return Err(bad()),
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = match port(&uri) {
            None => PORT,
            Some(port) => port.parse().ok().filter(|&number| number != 0).ok_or_else(|| {
                let meaning = format!("the URL \"{url}\" names port {port}, which does not exist");
                unusable(meaning, "give the port on which the Cortex service listens")
            })?,
        };
        ServerName::try_from(host.as_str()).map_err(|_| bad())?;
        Ok(Self { uri, tls, host, port })
    }
}

/// Checks that a text is the URL of a service, without connecting to it.
///
/// # Errors
/// The text is not a valid URL; the error says how to write one.
pub fn check_url(url: &str) -> Result<(), Error> {
    ServiceAddress::new(url).map(drop)
}

impl Endpoint {
    /// Parses the URL and reads the roots.
    pub(super) fn new(url: &str, files: TrustFiles<'_>) -> Result<Self, Error> {
        let ServiceAddress { uri, tls, host, port } = ServiceAddress::new(url)?;

        // Read even if not needed, so that a mistake is reported.
        let own = files.ca_file.map(read_roots).transpose()?.unwrap_or_default();
        let trusted = files.trusted.filter(|path| path.exists()).map(read_trusted).transpose()?;
        let local = is_this_machine(&host);
        let trust = match (tls, files.insecure) {
            (false, _) if local => Trust::Plain,
            (false, _) => {
                return Err(unusable(
                    "ws:// is plain text and goes to this machine only",
                    format!(
                        "use wss://{host}:{port}, or a tunnel with `ssh -L {port}:localhost:{port} \
                         user@{host}` and --url ws://localhost:{port}"
                    ),
                ));
            }
            (true, true) if local => Trust::Unchecked,
            (true, true) => {
                return Err(unusable(
                    "--insecure goes to this machine only",
                    format!(
                        "give the root of {host} with --ca-file, or use a tunnel with `ssh -L \
                         {port}:localhost:{port} user@{host}` and --url wss://localhost:{port}"
                    ),
                ));
            }
            (true, false) => Trust::Roots {
                roots: Arc::new(with_system_roots(own)?),
                trusted: trusted.filter(|_| local),
            },
        };
        Ok(Self { uri, host, port, trust })
    }

    /// Whether the host names this machine.
    pub(super) fn is_this_machine(&self) -> bool {
        is_this_machine(&self.host)
    }

    /// Whether only addresses of this machine may be connected to.
    pub(super) fn is_local_only(&self) -> bool {
        !matches!(self.trust, Trust::Roots { .. })
    }
}

/// The port as written in the URL; `Uri` ignores one that it cannot parse.
fn port(uri: &Uri) -> Option<&str> {
    let (_, port) = uri.authority()?.as_str().rsplit_once(uri.host()?)?;
    port.strip_prefix(':').filter(|port| !port.is_empty())
}

/// The port of a service whose URL names this machine, by name or number.
#[must_use]
pub fn local_port(url: &str) -> Option<u16> {
    let uri: Uri = url.trim().parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    is_this_machine(host).then(|| uri.port_u16().unwrap_or(PORT))
}

/// By name or number only: the answer of a resolver is no basis for trust.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let path_shown = path.display();
    let pem = fs::read(path).map_err(|error| {
        unusable(
            format!("the root certificate {path_shown} cannot be read ({error})"),
            "check the path given to --ca-file",
        )
    })?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    let usable = RootCertStore::empty().add_parsable_certificates(roots.iter().cloned()).0;
    if usable == 0 {
        let meaning = format!("{path_shown} holds no usable certificate");
        return Err(unusable(meaning, "--ca-file takes a root certificate in PEM form"));
    }
    Ok(roots)
}

fn read_trusted(path: &Path) -> Result<CertificateDer<'static>, Error> {
    CertificateDer::from_pem_file(path).map_err(|error| {
        unusable(
            format!("the trusted certificate {} cannot be read ({error})", path.display()),
            "`cortop trust` saves it again, `cortop trust --forget` removes it",
        )
    })
}

fn with_system_roots(own: Vec<CertificateDer<'static>>) -> Result<RootCertStore, Error> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!("some of the system's root certificates cannot be read: {error}");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system.certs.into_iter().chain(own));
    if roots.is_empty() {
        return Err(unusable(
            "this system has no root certificates to check the service with",
            "install its CA certificates, or give the root of EMOTIV with --ca-file",
        ));
    }
    Ok(roots)
}

/// The error of a configuration that cannot be used.
fn unusable(meaning: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Configuration, meaning, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, insecure: bool, ca_file: Option<&Path>) -> Result<Endpoint, String> {
        let files = TrustFiles { ca_file, insecure, ..TrustFiles::default() };
        Endpoint::new(url, files).map_err(|error| error.to_string())
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
