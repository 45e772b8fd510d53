//! Another program of the same application beside cortop: however cortop ends, that program's session
//! continues with the streams that it had.

use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect, stream::MaybeTlsStream};

use crate::{CORTOP, CREDENTIALS, PATIENCE, Pty, service};

const HEADSET: &str = "EPOCX-1A2B3C4D";

/// The program that opened the session.
struct Owner {
    socket: WebSocket<MaybeTlsStream<std::net::TcpStream>>,
    token: Value,
}

impl Owner {
    /// Connected and signed in.
    fn connect(url: &str) -> Self {
        let mut owner = Self { socket: connect(url).expect("a service").0, token: Value::Null };
        let [(_, id), (_, secret)] = CREDENTIALS;
        let credentials = json!({"clientId": id, "clientSecret": secret});
        owner.ask("requestAccess", credentials.clone());
        owner.token = owner.ask("authorize", credentials)["cortexToken"].take();
        owner
    }

    /// The result of a request; skips samples and warnings.
    fn ask(&mut self, method: &str, mut params: Value) -> Value {
        if !self.token.is_null() {
            params["cortexToken"] = self.token.clone();
        }
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.socket.send(Message::text(request.to_string())).expect("sent");
        loop {
            let text = self.socket.read().expect("an answer").into_text().expect("text");
            let mut message: Value = serde_json::from_str(&text).expect("JSON");
            if message["id"] == 1 {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
        }
    }

    /// The streams of the one session, sorted.
    fn streams(&mut self) -> Vec<String> {
        let sessions = self.ask("querySessions", json!({}));
        assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions}");
        assert_eq!(sessions[0]["status"], "activated");
        let streams = sessions[0]["streams"].as_array().expect("a list");
        let mut names: Vec<_> =
            streams.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        names.sort_unstable();
        names
    }
}

#[test]
fn its_owner_keeps_its_streams_whether_cortop_quits_is_ended_or_loses_its_terminal() {
    let ends: [fn(&mut Pty); 3] =
        [|pty| pty.type_in("q"), |pty| pty.signal(Signal::TERM), Pty::hang_up];
    for end in ends {
        let headset = format!("epocx:{HEADSET}:connected").parse().expect("a headset");
        let options =
            cortop_sim::Options { headsets: vec![headset], ..cortop_sim::Options::default() };
        let (url, _alive) = service(options);
        let mut owner = Owner::connect(&url);
        let session = owner.ask("createSession", json!({"headset": HEADSET, "status": "active"}));
        let subscribe = json!({"session": session["id"], "streams": ["dev", "mot"]});
        owner.ask("subscribe", subscribe);

        let mut pty = Pty::start(Path::new(CORTOP), &["--url", &url], &CREDENTIALS);
        pty.wait_for_text("not ours");
        let deadline = std::time::Instant::now() + PATIENCE;
        while !owner.streams().contains(&"eeg".to_owned()) {
            assert!(
                std::time::Instant::now() < deadline,
                "cortop subscribes what is not there yet"
            );
        }
        end(&mut pty);
        pty.child.wait().expect("it ends");
        assert_eq!(owner.streams(), ["dev", "mot"]);
    }
}
