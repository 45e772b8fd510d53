//! The address of a broker, our account there, and the certificates that it may have, all checked before
//! connecting. Plain text is allowed to this machine only.

use std::{
    borrow::Cow,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use secrecy::SecretString;

use crate::tls::{self, Identity};
use cortop_protocol::{Error, ErrorKind};

/// The default ports of MQTT over TLS and in plain text.
const TLS_PORT: u16 = 8883;
const PLAIN_PORT: u16 = 1883;

/// Our account at a broker, and roots to trust for its certificate.
#[derive(Clone, Debug, Default)]
pub struct BrokerAccount {
    /// A user of the broker.
    pub user: Option<BrokerUser>,
    /// Roots to trust in addition to the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// This client's own certificate.
    pub certificate: Option<ClientCertificate>,
}

/// A user of a broker.
#[derive(Clone, Debug)]
pub struct BrokerUser {
    /// The user's name.
    pub name: String,
    /// The password; not every broker asks for one.
    pub password: Option<SecretString>,
}

/// The files of a client's certificate and of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and its chain, PEM.
    pub chain: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// A broker to connect to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<BrokerUser>,
    /// `None` for plain text, which is allowed to this machine only.
    pub(crate) tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

/// The parts of an address.
struct BrokerAddress<'a> {
    /// Without brackets.
    host: &'a str,
    port: u16,
    name: ServerName<'static>,
    is_tls: bool,
}

impl<'a> BrokerAddress<'a> {
    fn new(url: &'a str) -> Result<Self, Error> {
        let bad = || {
            let url = url.rsplit('@').next().unwrap_or_default();
            unusable(
                format!("\"{url}\" is not the address of a broker"),
                "write it as mqtts://broker.example.org, with :PORT if it is not 8883",
            )
        };
        let (scheme, rest) = url.trim().split_once("://").ok_or_else(bad)?;
        let is_tls = match scheme {
            "mqtts" => true,
            "mqtt" => false,
            _ => return Err(bad()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(unusable(
                "a broker's address holds no user and no password: every user of this machine could \
                 read them",
                "set user and password in [mqtt] of the config file",
            ));
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => {
                (host, port.strip_prefix(':').or((port.is_empty()).then_some("")))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, Some("")),
            },
        };
        let port = match port.ok_or_else(bad)? {
            "" if is_tls => TLS_PORT,
            "" => PLAIN_PORT,
            port => port.parse().ok().filter(|&port| port != 0).ok_or_else(bad)?,
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| bad())?;
        Ok(Self { host, port, name, is_tls })
    }
}

/// Checks that a text is the address of a broker, without connecting.
///
/// # Errors
/// It is not an address; the error says how to write one.
pub fn check_address(url: &str) -> Result<(), Error> {
    BrokerAddress::new(url).map(drop)
}

impl Broker {
    /// Reads the address, the roots and the identity.
    ///
    /// # Errors
    /// One of them cannot be used; the error gives the next step.
    pub fn new(url: &str, account: &BrokerAccount) -> Result<Self, Error> {
        let BrokerAddress { host, port, name, is_tls } = BrokerAddress::new(url)?;
        if !is_tls && !is_this_machine(host) {
            return Err(unusable(
                "mqtt:// is plain text and goes to this machine only",
                format!(
                    "use mqtts://{host}, or a tunnel with `ssh -L {port}:localhost:{port} \
                     user@{host}` and --broker mqtt://localhost:{port}"
                ),
            ));
        }
        // Read it even if it is not needed, so that mistakes are reported.
        let own = account.ca_file.as_deref().map(read_roots).transpose()?.unwrap_or_default();
        let identity = account.certificate.as_ref().map(read_identity).transpose()?;
        let tls = if is_tls {
            let config =
                tls::client_config(with_system_roots(own)?, identity).map_err(|error| {
                    unusable(
                        format!("the client certificate cannot be used ({error})"),
                        "give a certificate and the key that belongs to it in [mqtt]",
                    )
                })?;
            Some((name, Arc::new(config)))
        } else {
            None
        };
        Ok(Self { host: host.to_owned(), port, user: account.user.clone(), tls })
    }

    /// Its address, for display.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        let Self { host, port, .. } = self;
        if host.contains(':') {
            format!("{scheme}://[{host}]:{port}")
        } else {
            format!("{scheme}://{host}:{port}")
        }
    }
}

/// Decides by name or number alone: a resolver's answer cannot be trusted.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn unreadable(path: &Path, what: &str, why: impl std::fmt::Display) -> Error {
    unusable(
        format!("the {what} {} cannot be read ({why})", path.display()),
        "check its path in [mqtt]; it is a file in PEM form",
    )
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = fs::read(path).map_err(|error| unreadable(path, "root certificate", error))?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if RootCertStore::empty().add_parsable_certificates(roots.iter().cloned()).0 == 0 {
        return Err(unreadable(path, "root certificate", "it holds none"));
    }
    Ok(roots)
}

fn read_identity(certificate: &ClientCertificate) -> Result<Identity, Error> {
    let ClientCertificate { chain: path, key } = certificate;
    let pem = fs::read(path).map_err(|error| unreadable(path, "client certificate", error))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(unreadable(path, "client certificate", "it holds none"));
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| unreadable(key, "key of the client certificate", error))?;
    Ok((chain, key))
}

fn with_system_roots(own: Vec<CertificateDer<'static>>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs.into_iter().chain(own));
    if roots.is_empty() {
        return Err(unusable(
            "there are no root certificates to check the broker with",
            "give the root that signed the broker's certificate as ca-file in [mqtt]",
        ));
    }
    Ok(roots)
}

/// The error for an unusable configuration.
fn unusable(meaning: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Configuration, meaning, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(url: &str) -> Result<Broker, String> {
        Broker::new(url, &BrokerAccount::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_have_ports_and_plain_text_stays_on_this_machine() {
        for (url, address) in [
            ("mqtt://localhost", "mqtt://localhost:1883"),
            ("mqtt://127.0.0.1:7/", "mqtt://127.0.0.1:7"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtts://[2001:db8::1]:99", "mqtts://[2001:db8::1]:99"),
            ("mqtts://broker.example.org", "mqtts://broker.example.org:8883"),
        ] {
            assert_eq!(broker(url).expect("valid").address(), address);
        }
        let error = broker("mqtt://broker.example.org").expect_err("plain text");
        assert!(error.contains("ssh -L 1883:localhost:1883"), "{error}");
        assert!(broker("mqtt://localhost.example.org").is_err());
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_one_sentence_without_a_secret() {
        for url in
            ["", "localhost", "http://a", "mqtts://", "mqtts://a:0", "mqtts://a:x", "mqtt://[::1"]
        {
            let error = broker(url).expect_err("no broker");
            assert!(error.contains("mqtts://broker.example.org"), "{error}");
        }
        for url in ["mqtts://me:hush@host", "hush@host"] {
            let error = broker(url).expect_err("credentials");
            assert!(!error.contains("hush"), "{error}");
        }
        let refused = |account| {
            let refused = Broker::new("mqtts://a", &account).expect_err("unusable");
            refused.to_string()
        };
        let missing = || PathBuf::from("missing.pem");
        let certificate = ClientCertificate { chain: missing(), key: missing() };
        for account in [
            BrokerAccount { ca_file: Some(missing()), ..BrokerAccount::default() },
            BrokerAccount { certificate: Some(certificate), ..BrokerAccount::default() },
        ] {
            let error = refused(account);
            assert!(error.contains("missing.pem") && error.contains("[mqtt]"), "{error}");
        }
    }
}
