//! How stations appear, disappear, return, and take markers.

use std::{
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message as Frame, WebSocket, client};

use crate::{
    broker::{LOOK, Message, Mosquitto, PATIENCE, output, service},
    contract::check,
    served::Served,
};

#[test]
fn a_station_that_is_killed_is_gone_and_returns() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let mut reader = broker.read();
    let mut station = broker.station(&sim, "PC-03", &[]).ready();
    let first = reader.wait("birth", |message| message.is_station("PC-03", "online"));
    station.end(Signal::KILL);
    let killed = Instant::now();
    let gone = reader.wait("the will", |message| message.is_station("PC-03", "gone"));
    check(&gone);
    assert_eq!(gone.payload["why"], "lost");
    assert_eq!(gone.payload["instance"], first.payload["instance"]);
    let after = gone.arrival - killed;
    assert!(after < Duration::from_secs(5), "{after:?}");

    let mut station = broker.station(&sim, "PC-03", &[]).ready();
    let again = reader.wait("birth", |message| message.is_station("PC-03", "online"));
    assert_ne!(again.payload["instance"], first.payload["instance"]);
    reader.wait("its headset", |message| message.is_headset("PC-03", "streaming"));
    assert_eq!(station.end(Signal::TERM), Some(0));
    let gone = reader.wait("a goodbye", |message| message.is_station("PC-03", "gone"));
    assert_eq!(gone.payload["why"], "stopped", "{:#?}", reader.seen);
}

#[test]
fn a_second_station_of_a_name_is_refused_and_leaves_no_trace() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let mut reader = broker.read();
    let station = broker.station(&sim, "PC-03", &[]).ready();
    let first = reader.wait("the first", |message| message.is_station("PC-03", "online"));
    let elsewhere = service();
    let url = broker.url();
    let second = output(
        &elsewhere,
        &broker.account("PC-03"),
        &["--broker", &url, "--name", "PC-03", "--duration", "60s"],
    );
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains("a station called PC-03 runs already, on "), "{said}");
    assert!(said.contains("choose another name with --name"), "{said}");
    station.says("another station asked for this one's name and was refused");
    // Its own headset may appear before or after.
    let event = reader.wait("the event", |message| {
        message.topic == "cortop/v1/PC-03/event" && message.payload["kind"] == "name"
    });
    check(&event);
    // Anything that its end published comes before what is published afterwards.
    broker.publish("cortop/v1/command/marker", "{}");
    reader.wait("the last", |message| message.topic == "cortop/v1/command/marker");
    for message in &reader.seen {
        assert!(!message.is_station("PC-03", "gone"), "{message:?}");
        if message.payload["status"] == "online" {
            assert_eq!(message.payload["instance"], first.payload["instance"]);
        }
    }
}

#[test]
fn of_two_stations_that_start_together_one_stays() {
    let Some(broker) = Mosquitto::start() else { return };
    let services = [service(), service()];
    let mut stations = services.each_ref().map(|sim| broker.station(sim, "PC-03", &[]));
    let until = Instant::now() + PATIENCE;
    let (loser, status) = loop {
        let ended = stations
            .iter_mut()
            .enumerate()
            .find_map(|(place, station)| Some((place, station.child.try_wait().expect("asked")?)));
        match ended {
            Some(ended) => break ended,
            None => assert!(Instant::now() < until, "both go on"),
        }
        thread::sleep(LOOK);
    };
    assert_eq!(status.code(), Some(2));
    stations[loser].says("a station called PC-03 runs already, on ");
    let mut reader = broker.read();
    reader.wait("the other", |message| message.is_station("PC-03", "online"));
    assert_eq!(stations[1 - loser].end(Signal::TERM), Some(0));
}

#[test]
fn a_restarted_broker_and_one_that_fell_silent_get_the_state_again() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let sim = service();
    let station = broker.station(&sim, "PC-03", &[]).ready();
    broker.read().wait("its headset", |message| message.is_headset("PC-03", "streaming"));
    broker.stop();
    station.says("the broker");
    broker.start_again();
    let started = Instant::now();
    let mut reader = broker.read();
    reader.wait("the station", |message| message.is_station("PC-03", "online"));
    let headset = reader.wait("its headset", |message| message.is_headset("PC-03", "streaming"));
    let after = headset.arrival - started;
    assert!(after < Duration::from_secs(10), "{after:?}");

    // As with a disconnected cable: nothing is answered, and nothing is closed.
    broker.signal(Signal::STOP);
    station.says("the broker does not answer any more");
    broker.signal(Signal::CONT);
    let resumed = Instant::now();
    let is_back =
        |message: &Message| message.arrival > resumed && message.is_headset("PC-03", "streaming");
    let headset = reader.wait("its headset", is_back);
    let after = headset.arrival - resumed;
    assert!(after < Duration::from_secs(20), "{after:?}");
    let mut states = reader.seen.iter().filter(|message| message.topic == "cortop/v1/PC-03/state");
    let last = states.next_back().expect("a state");
    assert!(last.is_station("PC-03", "online"), "{last:?}");
}

/// Another program of the same application, connected to the service.
struct Application(WebSocket<TcpStream>);

impl Application {
    fn new(sim: &Served) -> Self {
        let port = sim.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let tcp = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        tcp.set_read_timeout(Some(PATIENCE)).expect("set");
        Self(client(&sim.url, tcp).expect("a handshake").0)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
        self.0.send(Frame::text(request.to_string())).expect("sent");
        loop {
            let message = self.0.read().expect("an answer");
            let answer: Value =
                serde_json::from_str(message.to_text().expect("text")).expect("JSON");
            if answer.get("id").is_some() {
                assert!(answer.get("result").is_some(), "{answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Starts a record in the session of the station.
    fn record(&mut self) {
        let keys = json!({ "clientId": "the-client-id", "clientSecret": "the-client-secret" });
        let token = self.ask("authorize", &keys)["cortexToken"].clone();
        let sessions = self.ask("querySessions", &json!({ "cortexToken": token }));
        let session = &sessions[0]["id"];
        let record = json!({ "cortexToken": token, "session": session, "title": "run" });
        self.ask("createRecord", &record);
    }
}

#[test]
fn a_station_with_two_headsets_publishes_both_and_asks_once_for_a_choice() {
    let Some(broker) = Mosquitto::start() else { return };
    let ids = ["EPOCX-0A1B2C3D", "INSIGHT-0A1B2C3D"];
    let both = [format!("epocx:{}:connected", ids[0]), format!("insight:{}:connected", ids[1])];
    let both = ["--ws", "--approved", "--headset", &both[0], "--headset", &both[1]];
    let sim = Served::start(&both);
    let mut station = broker.station(&sim, "PC-03", &[]).ready();
    let said = station.says("choose one with --headset: ");
    assert!(ids.iter().all(|id| said.contains(id)), "{said}");
    let mut reader = broker.read();
    let of = |message: &Message, id: &str| message.topic.ends_with(&format!("/{id}/state"));
    for id in ids {
        let waits = |message: &Message| of(message, id) && message.is_headset("PC-03", "connected");
        reader.wait("one that waits", waits);
    }
    let waits = |message: &Message| message.payload["cortex"] == "choose a headset";
    let state = reader.wait("why it waits", waits);
    assert_eq!(state.payload["headsets"], json!(ids));
    // The other one stays listed beside the one that is chosen.
    station.end(Signal::TERM);
    let _chosen = broker.station(&sim, "PC-03", &["--headset", ids[0]]).ready();
    let chosen =
        |message: &Message| of(message, ids[0]) && message.is_headset("PC-03", "streaming");
    let chosen = reader.wait("the one that is chosen", chosen);
    let is_new = |message: &Message| {
        of(message, ids[1])
            && message.is_headset("PC-03", "connected")
            && message.payload["instance"] == chosen.payload["instance"]
    };
    if !reader.seen.iter().any(is_new) {
        reader.wait("the other", is_new);
    }
}

#[test]
fn a_marker_is_set_and_acknowledged_only_where_it_is_accepted() {
    let Some(broker) = Mosquitto::start() else { return };
    let (sim, other_sim) = (service(), service());
    let mut reader = broker.read();
    let _accepting = broker.station(&sim, "PC-03", &["--accept-markers"]).ready();
    let _other = broker.station(&other_sim, "PC-04", &[]).ready();
    for name in ["PC-03", "PC-04"] {
        reader.wait("a headset", |message| message.is_headset(name, "streaming"));
    }
    let command = |id: &str| {
        json!({ "version": 1, "instance": "lab", "sent": 1, "id": id, "label": "go" }).to_string()
    };
    let is_answer = |message: &Message| message.topic.ends_with("/acknowledgement");
    broker.publish("cortop/v1/command/marker", &command("early"));
    let answer = reader.wait("an answer", is_answer).payload;
    assert_eq!((&answer["id"], &answer["headsets"]), (&json!("early"), &json!([])));
    assert_eq!(answer["problem"], "no record runs: the marker is among the samples only");
    // What an id of the contract cannot be is not repeated, and so not answered.
    broker.publish("cortop/v1/command/marker", &command(&"i".repeat(201)));
    for length in [65, 300] {
        let label = format!("\"{}\"", "x".repeat(length));
        let long = command(&format!("long {length}")).replace("\"go\"", &label);
        broker.publish("cortop/v1/command/marker", &long);
        let answer = reader.wait("an answer", is_answer);
        check(&answer);
        let problem =
            format!("a marker's label and value have at most 64 bytes, this one has {length}");
        assert_eq!(answer.payload["id"], format!("long {length}"));
        assert_eq!(answer.payload["problem"], problem);
    }

    for sim in [&sim, &other_sim] {
        Application::new(sim).record();
    }
    for name in ["PC-03", "PC-04"] {
        reader.wait("a record", |message| {
            message.topic.starts_with(&format!("cortop/v1/{name}/headset/"))
                && message.payload["session"]["recording"] == true
        });
    }
    // What is not a command does no harm.
    for malformed in ["", "{", r#"{"version":9}"#] {
        broker.publish("cortop/v1/command/marker", malformed);
    }
    broker.publish("cortop/v1/command/marker", &command("late"));
    let answer = reader.wait("an answer", is_answer);
    assert_eq!(answer.topic, "cortop/v1/PC-03/acknowledgement");
    check(&answer);
    assert_eq!(answer.payload["id"], "late");
    assert_eq!(answer.payload["headsets"], json!(["EPOCX-0A1B2C3D"]), "{answer:?}");
    assert!(answer.payload["problem"].is_null() && answer.payload["took"].as_f64() < Some(3.0));

    // The same command is not executed again, and gets the same answer.
    broker.publish("cortop/v1/command/marker", &command("late"));
    let again = reader.wait("an answer", is_answer).payload;
    for member in ["id", "headsets", "problem", "received", "took"] {
        assert_eq!(again[member], answer.payload[member]);
    }
    let other = command("late").replace("\"lab\"", "\"another lab\"");
    broker.publish("cortop/v1/command/marker", &other);
    let other = reader.wait("an answer", is_answer).payload;
    assert_eq!(other["headsets"], json!(["EPOCX-0A1B2C3D"]));
    assert_ne!(other["received"], answer.payload["received"]);

    let set = |mut sim: Served| sim.end(Signal::TERM).1.matches("injectMarker: ok").count();
    assert_eq!((set(sim), set(other_sim)), (2, 0));
    assert!(
        !reader
            .seen
            .iter()
            .any(|message| { message.topic.starts_with("cortop/v1/PC-04/") && is_answer(message) })
    );
}
