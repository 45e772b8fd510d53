//! The simulated Cortex service over a bare WebSocket, following §2 of the protocol reference: from
//! the first request to streaming, and everything that can be refused on the way.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../../tests/pace/mod.rs"]
mod pace;
mod parameters;

use std::{sync::Arc, time::Duration};

use cortop_protocol::{Headset, Session, Stream, model::Model};
use cortop_sim::{
    Delays, Fault, Injection, Options, Sim,
    journal::{Entry, JournalEvent, Mistake},
    tls::Tls,
};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async, connect_async_tls_with_config,
    tungstenite::Message,
};

use pace::Pace;

/// Longer than the longest wait of the protocol, a scan of 20 s, which takes that long on a paused
/// clock.
const PATIENCE: Duration = Duration::from_secs(30);

struct ProtocolClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
    token: String,
    warnings: Vec<Value>,
}

impl ProtocolClient {
    async fn connect(sim: &Sim) -> Self {
        let (socket, _) = connect_async(sim.url()).await.unwrap();
        Self { socket, asked: 0, token: String::new(), warnings: Vec::new() }
    }

    async fn authorized(sim: &Sim) -> Self {
        let mut peer = Self::connect(sim).await;
        let answer = peer.ask("authorize", json!({ "clientId": "id", "clientSecret": "no" })).await;
        answer["result"]["cortexToken"].as_str().unwrap().clone_into(&mut peer.token);
        peer
    }

    async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message that is not a warning; `None` when the service has hung up.
    async fn next_text(&mut self) -> Option<String> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("silence")?.ok()?;
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            if value.get("warning").is_some() {
                self.warnings.push(value["warning"].clone());
            } else {
                return Some(text.to_string());
            }
        }
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await.expect("the service hung up")).unwrap()
    }

    /// Waits for a warning, whatever else comes in between.
    async fn warned(&mut self, code: i64) -> Value {
        loop {
            if let Some(at) = self.warnings.iter().position(|warning| warning["code"] == code) {
                return self.warnings.remove(at)["message"].clone();
            }
            let message = timeout(PATIENCE, self.socket.next()).await.expect("no such warning");
            let Message::Text(text) = message.unwrap().unwrap() else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            self.warnings.extend(value.get("warning").cloned());
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let request = json!({ "id": id, "jsonrpc": "2.0", "method": method, "params": params });
        self.send(&request.to_string()).await;
        loop {
            let answer = self.next().await;
            if answer["id"] == id {
                return answer;
            }
        }
    }

    /// Like [`ask`](Self::ask), with the token among the parameters.
    async fn ask_own(&mut self, method: &str, mut params: Value) -> Value {
        params["cortexToken"] = json!(self.token);
        self.ask(method, params).await
    }

    async fn session(&mut self, status: &str) -> Session {
        let answer = self.ask_own("createSession", json!({ "status": status })).await;
        serde_json::from_value(answer["result"].clone()).unwrap()
    }

    async fn subscribe(&mut self, session: &Session, streams: &[&str]) -> Value {
        let params = json!({ "session": session.id, "streams": streams });
        self.ask_own("subscribe", params).await["result"].clone()
    }

    /// The next sample of a stream.
    async fn sample(&mut self, stream: &str) -> Value {
        loop {
            let message = self.next().await;
            if message.get(stream).is_some() {
                return message;
            }
        }
    }
}

async fn demo() -> Sim {
    Sim::start(Options::default()).await.unwrap()
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn from_the_first_question_to_streaming_on_a_cold_service() {
    let instant = Duration::from_millis(1);
    let delays =
        Delays { approval: Some(instant), scan: instant, connect: instant, ..Delays::default() };
    let options =
        Options { warm: false, approved: false, delays, ..Options::demo(Model::Insight, 1, 7) };
    let sim = Sim::start(options).await.unwrap();
    let mut peer = ProtocolClient::connect(&sim).await;

    assert_eq!(peer.ask("getCortexInfo", json!({})).await["result"]["version"], "4.8.32");
    let user = peer.ask("getUserLogin", json!({})).await["result"][0].clone();
    assert_eq!(user["currentOSUId"], user["loggedInOSUId"]);

    let keys = json!({ "clientId": "id", "clientSecret": "no" });
    let right = peer.ask("hasAccessRight", keys.clone()).await;
    assert_eq!(right["result"]["accessGranted"], false);
    assert_eq!(code(&peer.ask("authorize", keys.clone()).await), -32102);
    assert_eq!(peer.ask("requestAccess", keys.clone()).await["result"]["accessGranted"], false);
    peer.warned(9).await;
    let answer = peer.ask("authorize", keys).await;
    peer.token = answer["result"]["cortexToken"].as_str().unwrap().to_owned();
    assert_eq!(peer.token.split('.').count(), 3);
    let licence = peer.ask_own("getLicenseInfo", json!({})).await["result"]["license"].clone();
    assert_eq!(licence["scopes"], json!(["eeg", "pm"]));

    peer.ask("controlDevice", json!({ "command": "refresh" })).await;
    assert_eq!(peer.warned(142).await["headsetId"], "");
    let found = peer.ask("queryHeadsets", json!({ "id": "INSIGHT-*" })).await["result"][0].clone();
    let headset: Headset = serde_json::from_value(found.clone()).unwrap();
    assert_eq!(headset.model(), Model::Insight);
    assert!(headset.sensors.is_empty() && headset.settings.eeg_rate == Some(0.0));
    let refused = peer.ask_own("createSession", json!({ "headset": headset.id, "status": "open" }));
    assert_eq!(code(&refused.await), -32004);

    peer.ask("controlDevice", json!({ "command": "connect", "headset": headset.id })).await;
    assert_eq!(peer.warned(104).await["headsetId"], found["id"]);
    let connected = peer.ask("queryHeadsets", json!({})).await["result"][0].clone();
    assert_eq!(connected["sensors"], json!(["AF3", "T7", "Pz", "T8", "AF4"]));
    assert_eq!(connected["settings"]["eegRate"], json!(128));

    let open = json!({ "headset": headset.id, "status": "open" });
    let answer = peer.ask_own("createSession", open.clone()).await;
    let session: Session = serde_json::from_value(answer["result"].clone()).unwrap();
    assert_eq!(code(&peer.ask_own("createSession", open).await), -32005);

    // Without activation there is no `eeg`, but the other streams run.
    let answer = peer.subscribe(&session, &["dev", "eeg", "nonsense", "com"]).await;
    let names = |list: &Value| -> Vec<String> {
        let of = |entry: &Value| entry["streamName"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(of).collect()
    };
    assert_eq!(names(&answer["success"]), ["dev", "com"]);
    assert_eq!(names(&answer["failure"]), ["eeg", "nonsense"]);
    assert_eq!(answer["failure"][0]["code"], -32016);
    let text = "The stream is unavailable or unsupported.";
    assert_eq!(answer["failure"][0]["message"], text);
    assert_eq!(answer["success"][0]["sid"], json!(session.id));
    let overall = json!(["AF3", "T7", "Pz", "T8", "AF4", "OVERALL"]);
    assert_eq!(answer["success"][0]["cols"][2], overall);
    let sample = peer.sample("com").await;
    assert_eq!((&sample["com"], &sample["sid"]), (&json!(["neutral", 0.0]), &json!(session.id)));

    let active = json!({ "session": session.id, "status": "active" });
    assert_eq!(peer.ask_own("updateSession", active).await["result"]["status"], "activated");
    assert_eq!(names(&peer.subscribe(&session, &["eeg"]).await["success"]), ["eeg"]);
    assert_eq!(peer.sample("eeg").await["eeg"].as_array().unwrap().len(), 10);
    let list = peer.ask_own("querySessions", json!({})).await["result"].clone();
    assert_eq!(list[0]["streams"], json!(["dev", "com", "eeg"]));
    let stop = json!({ "session": session.id, "streams": ["dev", "met"] });
    let stopped = peer.ask_own("unsubscribe", stop).await["result"].clone();
    assert_eq!(
        (names(&stopped["success"]), names(&stopped["failure"])),
        (vec!["dev".into()], vec!["met".into()])
    );

    let close = json!({ "session": session.id, "status": "close" });
    let closed = peer.ask_own("updateSession", close.clone()).await["result"].clone();
    assert_eq!((&closed["status"], &closed["streams"]), (&json!("closed"), &json!([])));
    assert_eq!(code(&peer.ask_own("updateSession", close).await), -32007);
}

#[tokio::test]
async fn the_envelope_is_cortexs() {
    let sim = demo().await;
    let mut peer = ProtocolClient::connect(&sim).await;
    for (request, answer) in [
        (
            r#"{"id":"a-1","jsonrpc":"2.0","method":"nonsense"}"#,
            r#"{"error":{"code":-32601,"message":"Method not found."},"id":"a-1","jsonrpc":"2.0"}"#,
        ),
        (
            r#"{"id":7,"jsonrpc":"2.0","method":"getCurrentProfile","params":{"headset":"x"}}"#,
            r#"{"error":{"code":-32602,"message":"Invalid Parameters."},"id":7,"jsonrpc":"2.0"}"#,
        ),
        (
            r#"{"id":8,"jsonrpc":"2.0","method":"queryHeadsets","params":{"headset_id":"x"}}"#,
            r#"{"error":{"code":-32602,"message":"Invalid Parameters."},"id":8,"jsonrpc":"2.0"}"#,
        ),
        (
            r#"{"id":9,"jsonrpc":"2.0","method":"querySessions","params":{"cortexToken":"a.b.c"}}"#,
            r#"{"error":{"code":-32014,"message":"The Cortex token is invalid."},"id":9,"jsonrpc":"2.0"}"#,
        ),
        ("{", r#"{"error":{"code":-32700,"message":"Parse error."},"id":null,"jsonrpc":"2.0"}"#),
        (
            "[]",
            r#"{"error":{"code":-32600,"message":"Invalid Request."},"id":null,"jsonrpc":"2.0"}"#,
        ),
    ] {
        peer.send(request).await;
        assert_eq!(peer.next_text().await.unwrap(), answer);
    }
    peer.send(r#"{"id":3,"jsonrpc":"2.0","method":"queryHeadsets","params":{"id":"EPOC-*"}}"#)
        .await;
    assert_eq!(peer.next_text().await.unwrap(), r#"{"id":3,"jsonrpc":"2.0","result":[]}"#);
}

/// Whatever a client uses as an id, it gets back unchanged.
#[tokio::test]
async fn an_id_is_echoed_exactly_as_it_came() {
    let sim = demo().await;
    let mut peer = ProtocolClient::connect(&sim).await;
    for id in [
        "18446744073709551616",
        "123456789012345678901234567890",
        "-9223372036854775809",
        "1.0",
        "1e2",
        "0.1000000000000000055511151231257827",
        r#""a \u00b5 \/""#,
        "null",
        "true",
        r#"{"b":1,"a":[2]}"#,
    ] {
        for (method, rest) in [("queryHeadsets", r#","params":{"id":"EPOC-*"}"#), ("nonsense", "")]
        {
            peer.send(&format!(r#"{{"id": {id} ,"jsonrpc":"2.0","method":"{method}"{rest}}}"#))
                .await;
            let answer = peer.next_text().await.unwrap();
            assert!(answer.contains(&format!(r#""id":{id},"jsonrpc""#)), "{id}: {answer}");
        }
    }
}

/// A client that violates the WebSocket protocol gets the matching close code (RFC 6455, sections
/// 5.1, 8.1 and 7.4.1).
#[tokio::test]
async fn a_client_that_breaks_the_websocket_protocol_gets_its_close_code() {
    let sim = demo().await;
    for (frame, code) in [
        // A client's frame without a mask, an unknown opcode, a reserved bit.
        (vec![0x81, 0x02, b'{', b'}'], 1002_u16),
        (vec![0x83, 0x80, 0, 0, 0, 0], 1002),
        (vec![0xc1, 0x80, 0, 0, 0, 0], 1002),
        // A text that is not UTF-8.
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        // A request longer than is read.
        ([vec![0x81, 0xff], (3_u64 << 20).to_be_bytes().to_vec(), vec![0; 3 << 20]].concat(), 1009),
    ] {
        let mut peer = ProtocolClient::connect(&sim).await;
        let MaybeTlsStream::Plain(stream) = peer.socket.get_mut() else { panic!("no TLS here") };
        // The service may have closed before everything was written.
        let _ = tokio::io::AsyncWriteExt::write_all(stream, &frame).await;
        let message = timeout(PATIENCE, peer.socket.next()).await.expect("an end").unwrap();
        let Ok(Message::Close(Some(close))) = message else { panic!("{message:?}") };
        assert_eq!((u16::from(close.code), close.reason.is_empty()), (code, false));
    }
}

#[tokio::test]
async fn a_fault_is_refused_where_it_could_hit_nothing_and_is_in_the_journal_where_it_begins() {
    let sim = Sim::start(Options { control: true, ..Options::default() }).await.unwrap();
    let id = sim.control().headsets()[0].clone();
    let mut peer = ProtocolClient::connect(&sim).await;
    for (params, said) in [
        (json!({ "do": { "never": { "method": "getUserLogn" } } }), "did you mean getUserLogin?"),
        (json!({ "call": "createSesion", "do": { "drop": {} } }), "did you mean createSession?"),
        (
            json!({ "headset": "EPOCX-1", "do": { "headset-gone": {} } }),
            &format!("there is only {id}"),
        ),
        (json!({ "stream": "egg", "do": { "lose": {} } }), "the streams are"),
    ] {
        let answer = peer.ask("sim.fault", params).await;
        assert_eq!(code(&answer), -32602);
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(text.contains(said), "{text}");
    }
    let fault = json!({ "lose": { "count": 3 } });
    peer.ask("sim.fault", json!({ "headset": id, "stream": "mot", "client": 1, "do": fault }))
        .await;
    let journal = sim.journal();
    let lines = journal.entries().iter().map(|entry| journal.json(entry)).collect::<Vec<_>>();
    let faults: Vec<_> = lines.iter().filter(|line| line["event"] == "fault").collect();
    assert_eq!(faults.len(), 1, "{lines:?}");
    assert_eq!(faults[0]["fault"], "lose = { count = 3 }");
    assert_eq!((&faults[0]["client"], &faults[0]["headset"]), (&json!(1), &json!(id)));
    // A scenario with such a headset does not start.
    let wrong = Injection { headset: Some("EPOCX-1".into()), ..Fault::HeadsetGone {}.into() };
    let error =
        Sim::start(Options { scenario: vec![wrong], ..Options::default() }).await.unwrap_err();
    assert!(error.to_string().contains("there is no headset EPOCX-1: there is only"), "{error}");
}

#[tokio::test]
async fn a_warm_epoc_x_streams_everything() {
    let sim = demo().await;
    let mut peer = ProtocolClient::authorized(&sim).await;
    let session = peer.session("active").await;
    assert_eq!(session.performance_metrics().len(), 7);
    let streams = ["eeg", "mot", "dev", "eq", "pow", "met", "com", "fac", "sys"];
    let answer = peer.subscribe(&session, &streams).await;
    assert_eq!(answer["failure"], json!([]));
    // The first tick has a sample of every stream but `sys`, which has none before a training.
    for _ in 1..streams.len() {
        let sample = peer.next().await;
        let fits = |subscribed: &&Value| {
            let name = subscribed["streamName"].as_str().unwrap();
            let values = sample[name].as_array().map(Vec::len);
            values == subscribed["cols"].as_array().map(Vec::len)
        };
        assert_eq!(
            answer["success"].as_array().unwrap().iter().filter(fits).count(),
            1,
            "{sample}"
        );
    }
    let eeg: Vec<Value> = [peer.sample("eeg").await, peer.sample("eeg").await].into();
    let counter = |at: usize| eeg[at]["eeg"][0].as_u64().unwrap();
    assert_eq!((counter(0) + 1) % 256, counter(1));
    let apart = eeg[1]["time"].as_f64().unwrap() - eeg[0]["time"].as_f64().unwrap();
    assert!((apart - 1.0 / 256.0).abs() < 2e-4, "{apart}");
}

trait PerformanceMetrics {
    fn performance_metrics(&self) -> Vec<Value>;
}

impl PerformanceMetrics for Session {
    fn performance_metrics(&self) -> Vec<Value> {
        self.other["performanceMetrics"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_closed_socket_kills_its_sessions_and_no_others() {
    let sim = Sim::start(Options::demo(Model::Mn8, 2, 0)).await.unwrap();
    let [first, second] = sim.control().headsets().try_into().unwrap();
    let mut gone = ProtocolClient::authorized(&sim).await;
    let mut left = ProtocolClient::authorized(&sim).await;
    for (peer, headset) in [(&mut gone, first), (&mut left, second)] {
        let params = json!({ "headset": headset, "status": "open" });
        assert!(peer.ask_own("createSession", params).await.get("result").is_some());
    }
    assert_eq!(
        left.ask_own("querySessions", json!({})).await["result"].as_array().unwrap().len(),
        2
    );
    gone.socket.close(None).await.unwrap();
    while gone.next_text().await.is_some() {}
    timeout(PATIENCE, sim.control().disconnected(1)).await.unwrap();
    assert_eq!(
        left.ask_own("querySessions", json!({})).await["result"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_licence_decides_what_can_be_had() {
    let options = Options { scopes: Vec::new(), quota: 0, ..Options::default() };
    let sim = Sim::start(options).await.unwrap();
    let mut peer = ProtocolClient::authorized(&sim).await;
    let licence = peer.ask_own("getLicenseInfo", json!({})).await["result"]["license"].clone();
    assert_eq!((&licence["scopes"], &licence["localQuota"]), (&json!([""]), &json!(0)));
    let refused = peer.ask_own("createSession", json!({ "status": "active" })).await;
    assert_eq!(code(&refused), -32019);
    assert_eq!(refused["error"]["message"], "Session limit on this device has been reached.");
    peer.ask("authorize", json!({ "clientId": "id", "clientSecret": "no", "debit": 1 })).await;
    let session = peer.session("active").await;
    assert_eq!(peer.subscribe(&session, &["eeg"]).await["failure"][0]["code"], -32016);
    sim.control().licence(&["eeg"], 0);
    assert_eq!(peer.subscribe(&session, &["eeg"]).await["failure"], json!([]));
}

#[tokio::test]
async fn what_is_due_by_time_wakes_a_client_that_asks_nothing() {
    let soon = Duration::from_millis(50);
    let delays = Delays { connect: soon, training: soon, ..Delays::default() };
    let sim = Sim::start(Options { delays, ..Options::default() }).await.unwrap();
    let mut peer = ProtocolClient::authorized(&sim).await;
    // Without the profile that another application has loaded.
    let headset = sim.control().headsets().remove(0);
    for (command, code) in [("disconnect", 15), ("connect", 104)] {
        peer.ask("controlDevice", json!({ "command": command, "headset": headset })).await;
        peer.warned(code).await;
    }
    peer.ask_own("loadGuestProfile", json!({ "headset": headset })).await;
    let session = peer.session("active").await;

    peer.subscribe(&session, &["sys"]).await;
    let start = json!({
        "session": session.id, "detection": "mentalCommand", "status": "start", "action": "push"
    });
    let answer = peer.ask_own("training", start).await;
    assert!(answer.get("result").is_some(), "{answer}");
    for event in ["MC_Started", "MC_Succeeded"] {
        assert_eq!(peer.sample("sys").await["sys"], json!(["mentalCommand", event]));
    }

    // A headset that comes back continues streaming.
    peer.subscribe(&session, &["dev"]).await;
    peer.sample("dev").await;
    let control = sim.control();
    control.inject(Fault::HeadsetGone {});
    let back = Injection { at: Some(0.2.into()), ..Fault::HeadsetBack {}.into() };
    control.inject(back);
    peer.sample("dev").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_told_so_within_seconds() {
    let _pace = Pace::start(Duration::from_millis(100));
    let sim = demo().await;
    let mut peer = ProtocolClient::authorized(&sim).await;
    let session = peer.session("active").await;
    peer.subscribe(&session, &["eeg", "mot", "pow", "fac"]).await;
    let (begun, mut reader) = (Instant::now(), sim.journal().reader());
    let is_told = |entry: &Entry| match &entry.event {
        JournalEvent::Advice(advice) => advice.mistake == Mistake::SocketNotRead,
        _ => false,
    };
    while !reader.next().await.iter().any(is_told) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is said");
    }
    // Five seconds without reading, after those in which the system's buffers filled.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_export_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start(Options { speed: 200.0, ..Options::default() }).await.unwrap();
    let mut peer = ProtocolClient::authorized(&sim).await;
    let session = peer.session("active").await;
    let start = json!({ "session": session.id, "title": "long" });
    let record = peer.ask_own("createRecord", start).await["result"]["record"]["uuid"].clone();
    // Until it is long enough for its export to take a while: a hundred seconds by the stamps of
    // the samples.
    peer.subscribe(&session, &["dev"]).await;
    let time = |sample: &Value| sample["time"].as_f64().unwrap();
    let begun = time(&peer.sample("dev").await);
    while time(&peer.sample("dev").await) < begun + 100.0 {}
    let stop = json!({ "session": session.id, "streams": ["dev"] });
    peer.ask_own("unsubscribe", stop).await;
    peer.ask_own("stopRecord", json!({ "session": session.id })).await;
    peer.warned(30).await;
    let export = json!({
        "cortexToken": peer.token, "recordIds": [record], "folder": folder.path(),
        "streamTypes": ["EEG"], "format": "CSV",
    });
    for (id, method, params) in
        [("long", "exportRecord", export), ("short", "getCortexInfo", json!({}))]
    {
        let request = json!({ "id": id, "jsonrpc": "2.0", "method": method, "params": params });
        peer.send(&request.to_string()).await;
    }
    assert_eq!(peer.next().await["id"], "short");
    let written = peer.next().await;
    assert_eq!((&written["id"], &written["result"]["failure"]), (&json!("long"), &json!([])));
}

#[tokio::test]
async fn faults_come_when_called() {
    let delays = Delays { silence: Duration::from_millis(5), ..Delays::default() };
    let sim = Sim::start(Options { delays, ..Options::default() }).await.unwrap();
    let control = sim.control();
    let mut peer = ProtocolClient::authorized(&sim).await;

    let refuse = Fault::Refuse { method: None, code: -32152, message: None, times: 1 };
    control.inject(Injection::from(refuse).when_called("createSession", 1));
    assert_eq!(code(&peer.ask_own("createSession", json!({ "status": "open" })).await), -32152);
    let session = peer.session("active").await;
    peer.subscribe(&session, &["eeg"]).await;

    let counter = |sample: &Value| sample["eeg"][0].as_u64().unwrap();
    let mut before = counter(&peer.sample("eeg").await);
    control.inject(Injection::from(Fault::Lose { count: 3 }).on(Stream::Eeg));
    let jump = loop {
        let now = counter(&peer.sample("eeg").await);
        let step = (now + 256 - before) % 256;
        before = now;
        if step != 1 {
            break step;
        }
    };
    assert_eq!(jump, 4);

    control.inject(Injection::from(Fault::Interpolate { count: 1 }).on(Stream::Eeg));
    while peer.sample("eeg").await["eeg"][1] != 1 {}

    // Out of range: silence, then the three warnings, then it is no longer listed.
    control.inject(Fault::HeadsetGone {});
    assert_eq!(peer.warned(103).await["headsetId"], json!(session.headset.id));
    assert_eq!(peer.warned(0).await["sessionId"], json!(session.id));
    assert_eq!(peer.warned(1).await["sessionId"], json!(session.id));
    assert_eq!(peer.ask("queryHeadsets", json!({})).await["result"], json!([]));
    control.inject(Fault::HeadsetBack {});
    let back = peer.ask("queryHeadsets", json!({})).await["result"][0].clone();
    assert_eq!(back["status"], "discovered");

    control.inject(Fault::Drop { close: false });
    assert_eq!(peer.next_text().await, None);
    let mut again = ProtocolClient::authorized(&sim).await;
    assert_eq!(again.ask_own("querySessions", json!({})).await["result"], json!([]));
}

#[tokio::test]
async fn a_recording_starts_at_its_first_row_and_is_not_mixed_with_anything() {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), "COUNTER,T7,T8\n5,4201,4202\n6,4203,4204\n").unwrap();
    let options = Options { replay: Some(file.path().to_owned()), ..Options::default() };
    let sim = Sim::start(options).await.unwrap();
    assert!(sim.notes.iter().any(|note| note.contains("mot dev eq pow met com fac")));
    let mut peer = ProtocolClient::authorized(&sim).await;
    let session = peer.session("active").await;
    assert_eq!(session.headset.model(), Model::Mn8);
    assert_eq!(session.headset.motion_sensors, Vec::<String>::new());
    let answer = peer.subscribe(&session, &["eeg", "mot", "pow", "sys"]).await;
    assert_eq!(answer["failure"].as_array().unwrap().len(), 2);
    assert_eq!(answer["failure"][0]["message"], "The stream is not in this recording.");
    for (counter, left, right) in [(5, 4201.0, 4202.0), (6, 4203.0, 4204.0), (7, 4201.0, 4202.0)] {
        let mut sample = peer.sample("eeg").await["eeg"].clone();
        // A marker shows where it starts over.
        let seam = if counter == 7 { json!("loop") } else { json!(null) };
        assert_eq!(sample[4].take()[0]["label"], seam);
        assert_eq!(sample, json!([counter, 0, left, right, null]));
    }
}

#[tokio::test]
async fn aborting_the_task_ends_the_service_and_the_port_is_free_again() {
    let sim = demo().await;
    let mut peer = ProtocolClient::authorized(&sim).await;
    let port = sim.address.port();
    sim.task.abort();
    assert_eq!(peer.next_text().await, None);
    assert!(sim.task.await.unwrap_err().is_cancelled());
    let again = Sim::start(Options { port, ..Options::default() }).await.unwrap();
    assert_eq!(again.address.port(), port);
    ProtocolClient::authorized(&again).await;
}

#[tokio::test]
async fn over_tls_it_is_the_same_and_plain_text_is_refused() {
    let tls = Arc::new(Tls::new(&[]).unwrap());
    let options = Options { tls: Some(Arc::clone(&tls)), ..Options::default() };
    let sim = Sim::start(options).await.unwrap();

    let connector = |roots: rustls::RootCertStore| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Some(Connector::Rustls(Arc::new(client)))
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(tls.root_pem.as_bytes()).unwrap()).unwrap();
    let (socket, _) =
        connect_async_tls_with_config(sim.url(), None, false, connector(roots)).await.unwrap();
    let mut peer = ProtocolClient { socket, asked: 0, token: String::new(), warnings: Vec::new() };
    assert_eq!(peer.ask("getCortexInfo", json!({})).await["result"]["version"], "4.8.32");

    let plain = format!("ws://127.0.0.1:{}", sim.address.port());
    assert!(connect_async(plain).await.is_err());
    let distrustful = connector(rustls::RootCertStore::empty());
    assert!(connect_async_tls_with_config(sim.url(), None, false, distrustful).await.is_err());
    // A client that could not connect gets the next step.
    let mut reader = sim.journal().reader();
    let mut failed = Vec::new();
    while failed.len() < 2 {
        let entries = timeout(PATIENCE, reader.next()).await.expect("nothing is said");
        failed.extend(entries.into_iter().filter_map(|entry| match entry.event {
            JournalEvent::HandshakeFailed { text } => Some(text),
            _ => None,
        }));
    }
    assert!(failed[0].contains("connect with wss://"), "{failed:?}");
    assert!(failed[1].contains("is the root of --ca-out trusted?"), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_scan_takes_twenty_seconds_and_the_first_metrics_forty() {
    let _pace = Pace::start(Duration::from_millis(250));
    let options = Options { warm: false, approved: false, ..Options::default() };
    let sim = Sim::start(options).await.unwrap();
    let mut peer = ProtocolClient::connect(&sim).await;
    let started = Instant::now();
    peer.ask("controlDevice", json!({ "command": "refresh" })).await;
    let keys = json!({ "clientId": "id", "clientSecret": "no" });
    peer.ask("requestAccess", keys.clone()).await;
    peer.warned(9).await;
    peer.token =
        peer.ask("authorize", keys).await["result"]["cortexToken"].as_str().unwrap().into();
    peer.warned(142).await;
    let seconds = started.elapsed().as_secs_f64();
    assert!((20.0..20.1).contains(&seconds), "{seconds}");

    let headset = sim.control().headsets().remove(0);
    peer.ask("controlDevice", json!({ "command": "connect", "headset": headset })).await;
    peer.warned(104).await;
    let connected = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let session = peer.session("active").await;
    peer.subscribe(&session, &["met"]).await;
    while peer.sample("met").await["met"][1].is_null() {}
    let seconds = connected.elapsed().as_secs_f64();
    assert!((40.0..41.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn the_service_ends_whatever_its_clients_do() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let silent = TcpStream::connect(sim.address).await.unwrap();
    let mut deaf = ProtocolClient::connect(&sim).await;
    // Asks until neither side accepts anything more, because it reads no answers.
    let request = json!({ "id": 1, "jsonrpc": "2.0", "method": "queryHeadsets", "params": {} });
    let request = request.to_string();
    let ask = async {
        loop {
            let sent = deaf.socket.send(Message::text(request.as_str()));
            if timeout(Duration::from_secs(1), sent).await.is_err() {
                return;
            }
        }
    };
    timeout(PATIENCE, ask).await.expect("everything is taken");
    // A second for close frames, and as much for a slow machine.
    timeout(Duration::from_secs(2), sim.stop()).await.expect("it ends");
    drop(silent);
}
