//! How far a connection is trusted (§1.2): the chain is always checked, the name except on this
//! machine.

use std::{fs, path::PathBuf, sync::Arc};

use cortop_client::{ClientConfig, Command, Event, Link, Security};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::service::{ClientUnderTest, Reply, ScriptedService, config};

/// A root certificate and its key.
struct TestRoot {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

impl TestRoot {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::of(params)
    }

    /// A self-signed certificate that signs others, whether it may or not.
    fn of(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        Self { pem: root.pem(), der: root.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// The server configuration for a certificate signed by this root; `between` is sent with it.
    fn serve(
        &self,
        leaf: CertificateParams,
        between: Option<CertificateDer<'static>>,
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let leaf = leaf.signed_by(&key, &self.issuer).unwrap();
        let chain = [leaf.der().clone()].into_iter().chain(between).collect();
        server(chain, &key)
    }
}

fn server(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

/// A service over TLS, and the file with a root to check it against.
struct TlsService {
    service: ScriptedService,
    root: PathBuf,
    _folder: TempDir,
}

impl TlsService {
    async fn start(root: &TestRoot, tls: Arc<ServerConfig>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.pem");
        fs::write(&path, &root.pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = ScriptedService::on(listener, Some(tls), |_| Reply::Usual);
        Self { service, root: path, _folder: folder }
    }
}

async fn secure(name: &str) -> TlsService {
    let root = TestRoot::new();
    TlsService::start(&root, root.serve(named(name), None)).await
}

/// Connects. Returns how far the connection is trusted, or why it failed.
async fn outcome(config: ClientConfig) -> Result<Security, String> {
    config.check().unwrap();
    let mut tested = ClientUnderTest::start(config);
    let outcome = connected(&mut tested).await;
    tested.quit().await;
    outcome
}

#[tokio::test]
async fn a_good_chain_with_the_right_name_is_verified() {
    let secure = secure("localhost").await;
    let config = config(&secure.service.url).ca_file(secure.root.clone());
    assert_eq!(outcome(config).await, Ok(Security::Verified));
}

#[tokio::test]
async fn a_good_chain_with_a_wrong_name_is_let_pass_on_this_machine_and_told() {
    let secure = secure("cortex.example.org").await;
    let config = config(&secure.service.url).ca_file(secure.root.clone());
    assert_eq!(outcome(config).await, Ok(Security::WrongName));
}

/// Waits until the connection is up, or has failed.
async fn connected(tested: &mut ClientUnderTest) -> Result<Security, String> {
    tested
        .until(|event| match event {
            Event::Link(Link::Up { security, .. }) => Some(Ok(*security)),
            Event::Link(Link::Waiting { error, .. }) => Some(Err(error.to_string())),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_certificate_that_the_user_trusts_meanwhile_is_accepted_at_the_next_attempt() {
    let (root, folder) = (TestRoot::new(), tempfile::tempdir().unwrap());
    let key = KeyPair::generate().unwrap();
    let leaf = named("localhost").signed_by(&key, &root.issuer).unwrap();
    let secure = TlsService::start(&root, server(vec![leaf.der().clone()], &key)).await;
    let trusted = folder.path().join("trusted.pem");
    let mut tested = ClientUnderTest::start(config(&secure.service.url).trusted(trusted.clone()));
    let why = connected(&mut tested).await.unwrap_err();
    assert!(why.contains("known root"), "{why}");

    fs::write(&trusted, &root.pem).unwrap();
    tested.command(Command::Connect).await;
    let why = connected(&mut tested).await.unwrap_err();
    assert!(why.contains("HAS CHANGED"), "{why}");

    fs::write(&trusted, leaf.pem()).unwrap();
    tested.command(Command::Connect).await;
    assert_eq!(connected(&mut tested).await, Ok(Security::Trusted));
    tested.quit().await;
}

#[tokio::test]
async fn an_unknown_root_is_refused_whatever_the_name() {
    let other = secure("localhost").await;
    for name in ["localhost", "cortex.example.org"] {
        let secure = secure(name).await;
        let config = config(&secure.service.url).ca_file(other.root.clone());
        let why = outcome(config).await.unwrap_err();
        assert!(why.contains("chain does not lead to a known root"), "{why}");
        assert!(why.contains("--ca-file"), "{why}");
    }
}

/// A peer that speaks no current TLS: it reads the first message and answers with these bytes.
async fn peer(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            if !answer.is_empty() {
                let _ = tcp.read(&mut [0; 4096]).await;
                let _ = tcp.write_all(answer).await;
                // Until the client has gone: a reset would overtake the answer.
                let _ = tcp.read_to_end(&mut Vec::new()).await;
            }
        }
    });
    format!("wss://localhost:{port}")
}

/// A `ServerHello` of TLS 1.1, and the alert of a server that supports none of the client's
/// versions.
const HELLO_OF_TLS_1_1: &[u8] = &[
    22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 47, 0,
];
const PROTOCOL_VERSION: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

/// Every way in which the socket can fail to be secure says in words which one it is and what to
/// do.
#[tokio::test]
async fn each_failure_of_tls_has_its_own_reason() {
    let root = TestRoot::new();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("root.pem");
    fs::write(&ca_file, &root.pem).unwrap();
    let of = |change: fn(&mut CertificateParams)| {
        let mut params = named("localhost");
        change(&mut params);
        params
    };
    let years = |from, to| {
        move |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        }
    };
    let mut expired = named("localhost");
    years(2001, 2002)(&mut expired);
    let mut early = named("localhost");
    years(2090, 2091)(&mut early);
    let own_key = KeyPair::generate().unwrap();
    let own = of(|params| params.distinguished_name.push(DnType::CommonName, "own"));
    let own = own.self_signed(&own_key).unwrap();
    // A certificate of the root that signs another one although it may not.
    let mut no_ca = named("localhost");
    no_ca.distinguished_name.push(DnType::CommonName, "no authority");
    let no_ca_key = KeyPair::generate().unwrap();
    let between = no_ca.signed_by(&no_ca_key, &root.issuer).unwrap().der().clone();
    let no_ca =
        TestRoot { pem: String::new(), der: between, issuer: Issuer::new(no_ca, no_ca_key) };

    let mut services = Vec::new();
    let mut tls = async |config| {
        let secure = TlsService::start(&root, config).await;
        let url = secure.service.url.clone();
        services.push(secure);
        url
    };
    let nothing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("wss://localhost:{}", nothing.local_addr().unwrap().port());
    drop(nothing);
    let plain = ScriptedService::start(|_| Reply::Usual).await;
    let rows: Vec<(&str, String, &[&str])> = vec![
        (
            "unknown root",
            tls(TestRoot::new().serve(named("localhost"), None)).await,
            &["does not lead to a known root", "--ca-file"],
        ),
        (
            "expired",
            tls(root.serve(expired, None)).await,
            &["expired on 2002-01-01", "update EMOTIV Launcher", "clock, which says 20"],
        ),
        (
            "not yet valid",
            tls(root.serve(early, None)).await,
            &["not valid before 2090-01-01", "check this computer's clock, which says 20"],
        ),
        (
            "self-signed",
            tls(server(vec![own.der().clone()], &own_key)).await,
            &["self-signed", "--ca-file"],
        ),
        (
            "not a CA",
            tls(no_ca.serve(named("localhost"), Some(no_ca.der.clone()))).await,
            &["not a certificate authority's", "install EMOTIV Launcher's root"],
        ),
        ("TLS 1.1", peer(HELLO_OF_TLS_1_1).await, &["only TLS 1.1 or older", "update EMOTIV"]),
        ("no version", peer(PROTOCOL_VERSION).await, &["only TLS 1.1 or older", "update EMOTIV"]),
        (
            "plain text",
            peer(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            &["plain text or another protocol", "ws://"],
        ),
        (
            "plain WebSocket",
            plain.url.replace("ws://", "wss://"),
            &["closed during the TLS handshake", "ws://"],
        ),
        ("nothing there", nobody, &["nothing listens on", "start EMOTIV Launcher"]),
        (
            "closed at once",
            peer(b"").await,
            &["closed during the TLS handshake", "names a Cortex service"],
        ),
    ];
    for (what, url, words) in rows {
        let config = config(&url).ca_file(ca_file.clone());
        let why = outcome(config).await.expect_err(what);
        assert!(words.iter().all(|word| why.contains(word)), "{what}: {why}");
        let is_code = |word: &str| {
            let inner = word.chars().zip(word.chars().skip(1));
            word != "WebSocket"
                && inner.into_iter().any(|(one, next)| one.is_lowercase() && next.is_uppercase())
        };
        let words: Vec<_> =
            why.split(|c: char| !c.is_alphanumeric()).filter(|w| is_code(w)).collect();
        assert!(words.is_empty() && !why.contains(['{', '_', '"']), "{what}: {why}");
    }
    // On this machine a wrong name is accepted, and reported.
    let secure = TlsService::start(&root, root.serve(named("cortex.example.org"), None)).await;
    let config = config(&secure.service.url).ca_file(ca_file);
    assert_eq!(outcome(config).await, Ok(Security::WrongName));
}

#[tokio::test]
async fn on_the_users_word_nothing_is_checked_on_this_machine() {
    let secure = secure("cortex.example.org").await;
    let config = config(&secure.service.url).insecure(true);
    assert_eq!(outcome(config).await, Ok(Security::Unchecked));
}

#[tokio::test]
async fn plain_text_in_place_of_tls_says_so() {
    let service = ScriptedService::start(|_| Reply::Usual).await;
    let root = secure("localhost").await.root;
    // The file is gone with its folder: the check reports that before connecting.
    let gone = config(&service.url).ca_file(root);
    assert!(gone.check().unwrap_err().to_string().contains("root.pem"));

    let config = config(&service.url.replace("ws://", "wss://")).insecure(true);
    let why = outcome(config).await.unwrap_err();
    assert!(why.contains("closed during the TLS handshake") && why.contains("ws://"), "{why}");
}

#[tokio::test]
async fn what_cannot_be_set_up_is_refused_without_connecting() {
    let mut tested = ClientUnderTest::start(config("ws://192.0.2.1:6868"));
    let refusal = tested
        .until(|event| match event {
            Event::Refused(refusal) => Some(refusal.to_string()),
            _ => None,
        })
        .await;
    assert!(refusal.contains("ssh -L 6868:localhost:6868 user@192.0.2.1"), "{refusal}");
    assert!(tested.client.events.recv().await.is_none(), "the client has ended");
    assert!(tested.events.iter().all(|event| !matches!(event, Event::Link(_))));
}
