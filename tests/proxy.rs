//! `cortop proxy`: what it forwards, byte by byte, and what it stores.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "a test fails aloud")]

mod served;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use cortop::proxy::Proxy;
use cortop_client::transport::{Transport, TrustFiles};
use cortop_files::capture::CaptureFile;
use cortop_sim::{
    Listener, Options, Sim,
    journal::{Journal, JournalEvent},
};
use futures_util::{SinkExt as _, StreamExt as _};
use rustix::process::Signal;
use serde_json::Value;
use served::{CORTOP, Served};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::spawn_blocking,
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SECRET: &str = "a secret that nobody may see";

/// The bytes of all connections in one direction, one after the other.
type Bytes = Arc<Mutex<Vec<u8>>>;

/// Forwards bytes, and stores them.
struct Tap {
    address: SocketAddr,
    up: Bytes,
    down: Bytes,
}

impl Tap {
    async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((LOOPBACK, 0)).await.expect("a port");
        let address = listener.local_addr().expect("known");
        let (up, down) = (Bytes::default(), Bytes::default());
        let (upward, downward) = (Arc::clone(&up), Arc::clone(&down));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let service = TcpStream::connect(target).await.expect("connected");
                let (client_reads, client_writes) = client.into_split();
                let (service_reads, service_writes) = service.into_split();
                tokio::spawn(copy(client_reads, service_writes, Arc::clone(&upward)));
                tokio::spawn(copy(service_reads, client_writes, Arc::clone(&downward)));
            }
        });
        Self { address, up, down }
    }

    /// What followed the heads of the handshakes, up and down.
    fn messages(&self) -> [Vec<u8>; 2] {
        [&self.up, &self.down].map(|bytes| {
            let bytes = bytes.lock().expect("whole").clone();
            let mut rest = &bytes[..];
            let mut messages = Vec::new();
            while let Some(head) =
                rest.windows(8).position(|at| at == b"GET / HT" || at == b"HTTP/1.1")
            {
                messages.extend_from_slice(&rest[..head]);
                let end = rest[head..].windows(4).position(|at| at == b"\r\n\r\n").expect("a head");
                rest = &rest[head + end + 4..];
            }
            messages.extend_from_slice(rest);
            messages
        })
    }
}

async fn copy(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    kept: Bytes,
) {
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        kept.lock().expect("whole").extend_from_slice(&buffer[..count]);
        if writer.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

/// Runs `cortop watch` at a URL for a second.
fn watch(url: &str, root: Option<&str>) -> std::process::Output {
    let mut command = Command::new(CORTOP);
    command
        .args(["watch", "--url", url, "--streams", "eeg,mot", "--duration", "1s"])
        .env("EMOTIV_CLIENT_ID", "a client id that nobody may see")
        .env("EMOTIV_CLIENT_SECRET", SECRET)
        .stdin(Stdio::null());
    if let Some(root) = root {
        command.env("CORTOP_CA_FILE", root);
    }
    command.output().expect("started")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[tokio::test]
async fn bytes_are_equal_on_both_sides_and_both_ways() {
    let sim = Sim::start(Options::default()).await.expect("a simulator");
    let behind = Tap::start(sim.address).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("capture.jsonl");
    let url = format!("ws://{}", behind.address);
    let capture = CaptureFile::create(&file, &url).expect("a new file");
    let again = CaptureFile::create(&file, &url).expect_err("it exists");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    let journal = Journal::new();
    let proxy = Proxy {
        service: Transport::new(&url, TrustFiles::default()).expect("a URL"),
        tls: None,
        journal: journal.clone(),
        capture: Some(capture.clone()),
    };
    let listener = Listener::bind("the proxy", &[LOOPBACK], 0).expect("a port");
    let address = listener.address();
    let serving = tokio::spawn(proxy.serve(listener));
    let before = Tap::start(address).await;

    let url = format!("ws://{}", before.address);
    let seen = spawn_blocking({
        let url = url.clone();
        move || watch(&url, None)
    });
    let seen = seen.await.expect("no panic");
    assert!(seen.status.success() && seen.stdout.len() > 10_000, "{seen:?}");
    // What `cortop` does not do itself: a ping, and a close code.
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.expect("connected");
    socket.send(Message::Ping(vec![1, 2, 3].into())).await.expect("sent");
    assert_eq!(
        socket.next().await.expect("open").expect("a frame"),
        Message::Pong(vec![1, 2, 3].into())
    );
    let close = CloseFrame { code: 4001.into(), reason: "enough".into() };
    socket.close(Some(close)).await.expect("sent");
    while socket.next().await.is_some_and(|message| message.is_ok()) {}

    // The connections have also ended on the far side before the two are compared.
    let mut reader = journal.reader();
    let mut gone = 0;
    while gone < 2 {
        let entries = reader.next().await;
        gone += entries
            .iter()
            .filter(|own| matches!(own.event, JournalEvent::Disconnected { .. }))
            .count();
    }
    let [up, down] = before.messages();
    let [up_behind, down_behind] = behind.messages();
    assert!(up.len() > 500 && down.len() > 10_000);
    assert!(up == up_behind && down == down_behind, "not equal");
    assert_eq!(journal.advice(), []);
    let calls = journal.calls();
    assert!(calls.iter().any(|call| call == "createSession"), "{calls:?}");
    assert!(journal.clients()[0].sent["eeg"] > 100);

    serving.abort();
    let state = capture.finish();
    assert_eq!((state.lost, state.error), (0, None));
    let text = fs::read_to_string(&file).expect("text");
    let kept = lines(&text);
    assert_eq!(kept[0]["format"], "cortop-capture");
    assert!(kept.iter().is_sorted_by_key(|line| line["at"].as_f64()));
    for (event, from) in [("ping", "client"), ("pong", "service"), ("close", "client")] {
        assert!(kept.iter().any(|line| line["event"] == event && line["from"] == from), "{event}");
    }
    assert!(kept.iter().any(|line| line["code"] == 4001 && line["reason"] == "enough"));
    let samples = kept.iter().filter_map(|line| line["text"].as_str());
    let samples: Vec<_> = samples.filter(|text| text.starts_with("{\"eeg\":")).collect();
    assert!(samples.len() > 100 && String::from_utf8_lossy(&down).contains(samples[0]));
    let token = text.split("cortexToken").nth(1).expect("one");
    assert!(token.starts_with("\\\":\\\"[hidden]\\\""), "{token:.40}");
    for secret in [SECRET, "a client id that nobody may see"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let book = include_str!("../docs/capture.md");
    for word in kept.iter().flat_map(|line| line.as_object().expect("an object").keys()) {
        assert!(book.contains(&format!("`{word}`")), "docs/capture.md lacks {word}");
    }
    sim.stop().await;
}

#[test]
fn both_ends_are_encrypted_each_with_its_own_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let served =
        Served::start(&["--approved", "--headset", "epocx:connected", "--ca-out", &path("sim")]);
    let root = path("sim/root.pem");
    let args = [
        "proxy",
        "--listen",
        "0",
        "--to",
        &served.url,
        "--ca-file",
        &root,
        "--ca-out",
        &path("proxy"),
        "--log",
        "json",
        "--capture",
        &path("capture.jsonl"),
    ];
    let mut proxy = Served::run(&args);
    assert!(proxy.url.starts_with("wss://localhost:"), "{}", proxy.url);
    let seen = watch(&proxy.url, Some(&path("proxy/root.pem")));
    assert!(seen.status.success() && seen.stdout.len() > 10_000, "{seen:?}");
    let seen = watch(&proxy.url, Some(&root));
    assert_eq!(seen.status.code(), Some(13), "trusted by another root");
    let (code, said) = proxy.end(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    let kept = lines(&said);
    let answered = |line: &&Value| line["event"] == "answer" && line["method"] == "subscribe";
    assert!(kept.iter().find(answered).expect("subscribed")["ok"] == true, "{said}");
    assert!(!said.contains(SECRET) && !said.contains("advice"), "{said}");
    let captured = lines(&fs::read_to_string(path("capture.jsonl")).expect("text"));
    assert!(captured.last().expect("one")["event"] == "disconnected");
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let mut proxy = Served::run(&["proxy", "--listen", "0", "--ws", "--to", "ws://127.0.0.1:9"]);
    let seen = watch(&proxy.url, None);
    assert_eq!(seen.status.code(), Some(12), "{seen:?}");
    let (code, said) = proxy.end(Signal::INT);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing listens on 127.0.0.1:9"), "{said}");
    for (args, part) in [
        (&["--listen", "7000", "--to", "wss://localhost:7000"][..], "--listen 7000"),
        (&["--listen", "0", "--to", "ws://192.0.2.1:1"], "plain text"),
        (&["--listen", "0", "--to", "http://localhost"], "not one of the Cortex service"),
    ] {
        let output = Command::new(CORTOP).arg("proxy").args(args).output().expect("started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(part), "{said}");
    }
}
