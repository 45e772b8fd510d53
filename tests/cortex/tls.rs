//! How far a connection is trusted (§1.2): the chain always, the name except on this machine.

use std::{fs, path::PathBuf, sync::Arc};

use cortop::cortex::{Config, Event, Link, Security};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::service::{Say, Service, Tested, config};

/// A service over TLS whose certificate carries a name, and the file of its root.
struct Secure {
    service: Service,
    root: PathBuf,
    _folder: TempDir,
}

async fn secure(name: &str) -> Secure {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&leaf_key, &issuer)
        .unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    fs::write(&path, root.pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::on(listener, Some(Arc::new(tls)), |_| Say::Usual);
    Secure { service, root: path, _folder: folder }
}

/// Connects and says how far the connection is trusted, or why there is none.
async fn outcome(config: Config) -> Result<Security, String> {
    config.check().unwrap();
    let mut tested = Tested::start(config);
    let outcome = tested
        .until(|event| match event {
            Event::Link(Link::Up { security, .. }) => Some(Ok(*security)),
            Event::Link(Link::Waiting { why, .. }) => Some(Err(why.clone())),
            _ => None,
        })
        .await;
    tested.quit().await;
    outcome
}

#[tokio::test]
async fn a_good_chain_with_the_right_name_is_verified() {
    let secure = secure("localhost").await;
    let config = Config { ca_file: Some(secure.root.clone()), ..config(&secure.service.url) };
    assert_eq!(outcome(config).await, Ok(Security::Verified));
}

#[tokio::test]
async fn a_good_chain_with_a_wrong_name_is_let_pass_on_this_machine_and_told() {
    let secure = secure("cortex.example.org").await;
    let config = Config { ca_file: Some(secure.root.clone()), ..config(&secure.service.url) };
    assert_eq!(outcome(config).await, Ok(Security::WrongName));
}

#[tokio::test]
async fn an_unknown_root_is_refused_whatever_the_name() {
    let other = secure("localhost").await;
    for name in ["localhost", "cortex.example.org"] {
        let secure = secure(name).await;
        let config = Config { ca_file: Some(other.root.clone()), ..config(&secure.service.url) };
        let why = outcome(config).await.unwrap_err();
        assert!(why.contains("chain does not lead to a known root"), "{why}");
        assert!(why.contains("--ca-file"), "{why}");
    }
}

#[tokio::test]
async fn on_the_users_word_nothing_is_checked_on_this_machine() {
    let secure = secure("cortex.example.org").await;
    let config = Config { insecure: true, ..config(&secure.service.url) };
    assert_eq!(outcome(config).await, Ok(Security::Unchecked));
}

#[tokio::test]
async fn plain_text_in_place_of_tls_says_so() {
    let service = Service::start(|_| Say::Usual).await;
    let root = secure("localhost").await.root;
    // The file is gone with its folder: the check tells before anything else.
    let gone = Config { ca_file: Some(root), ..config(&service.url) };
    assert!(gone.check().unwrap_err().to_string().contains("root.pem"));

    let config = Config { insecure: true, ..config(&service.url.replace("ws://", "wss://")) };
    let why = outcome(config).await.unwrap_err();
    assert!(why.contains("the TLS handshake failed"), "{why}");
}

#[tokio::test]
async fn what_cannot_be_set_up_is_refused_without_connecting() {
    let mut tested = Tested::start(config("ws://192.0.2.1:6868"));
    let refusal = tested
        .until(|event| match event {
            Event::Refused(refusal) => Some(refusal.message.clone()),
            _ => None,
        })
        .await;
    assert!(refusal.contains("ssh -L 6868:localhost:6868 user@192.0.2.1"), "{refusal}");
    assert!(tested.client.events.recv().await.is_none(), "the client has ended");
    assert!(tested.events.iter().all(|event| !matches!(event, Event::Link(_))));
}
