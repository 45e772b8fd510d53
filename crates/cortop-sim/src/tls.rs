//! The simulator's own root and the certificates signed by it, generated at each start (§1.2): a
//! good one, and one for each way in which a certificate can be wrong. Independent of sockets.

use std::{net::IpAddr, sync::Arc};

use color_eyre::{Result, eyre::WrapErr as _};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// Days that certificates are valid; some systems reject more than 398.
const DAYS: i32 = 397;

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CertificateFlaw {
    UnknownRoot,
    ExpiredLeaf,
    WrongName,
}

/// Everything needed to serve TLS.
#[derive(Debug)]
pub struct Tls {
    /// The root to trust, as PEM.
    pub root_pem: String,
    good: Arc<ServerConfig>,
    unknown_root: Arc<ServerConfig>,
    expired_leaf: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
}

/// A signing root.
struct RootCertificate {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Tls {
    /// Generates root and certificates for `localhost`, the loopback addresses and other addresses
    /// of this machine.
    ///
    /// # Errors
    /// The system provides no randomness.
    pub fn new(addresses: &[IpAddr]) -> Result<Self> {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        names.extend(addresses.iter().filter(|own| !own.is_unspecified()).map(IpAddr::to_string));
        names.dedup();
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let valid = |from: i32, to: i32| {
            let day = |days: i32| today.saturating_add(days.days());
            (day(from), day(to))
        };
        let current = valid(-1, DAYS - 1);
        let root = RootCertificate::new("cortop sim root", current)?;
        let foreign = RootCertificate::new("cortop sim foreign root", current)?;
        let elsewhere = ["cortex.example.org".to_owned()];
        Ok(Self {
            good: root.leaf(&names, current)?,
            unknown_root: foreign.leaf(&names, current)?,
            expired_leaf: root.leaf(&names, valid(-30, -2))?,
            wrong_name: root.leaf(&elsewhere, current)?,
            root_pem: root.pem,
        })
    }

    /// The server configuration with the good certificate.
    #[must_use]
    pub const fn server_config(&self) -> &Arc<ServerConfig> {
        &self.good
    }

    /// The server configuration with a given flaw.
    pub(super) fn config(&self, flaw: Option<CertificateFlaw>) -> Arc<ServerConfig> {
        Arc::clone(match flaw {
            None => &self.good,
            Some(CertificateFlaw::UnknownRoot) => &self.unknown_root,
            Some(CertificateFlaw::ExpiredLeaf) => &self.expired_leaf,
            Some(CertificateFlaw::WrongName) => &self.wrong_name,
        })
    }
}

impl RootCertificate {
    fn new(name: &str, valid: (Date, Date)) -> Result<Self> {
        let mut params = params(&[], name, valid)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Required by Python 3.13.
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().wrap_err("no key for a root certificate can be made")?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    /// The server configuration with a certificate for these names.
    fn leaf(&self, names: &[String], valid: (Date, Date)) -> Result<Arc<ServerConfig>> {
        let mut params = params(names, "cortop sim", valid)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().wrap_err("no key for a certificate can be made")?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], secret)?;
        Ok(Arc::new(config))
    }
}

fn params(names: &[String], name: &str, (from, to): (Date, Date)) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let midnight = |date: Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(date.year().into(), month, day)
    };
    params.not_before = midnight(from);
    params.not_after = midnight(to);
    Ok(params)
}
