//! The client against the simulator, and another program of the same application beside it.

use std::time::Duration;

use cortop_client::{ClientConfig, Command, ConnectionStep, Event, HeadsetId, SessionId, Stream};
use cortop_sim::{Delays, Options, Sim, fault::Fault, headset_config::HeadsetConfig};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message as Frame,
};

use crate::{
    pace::Pace,
    service::{CLIENT_ID, CLIENT_SECRET, ClientUnderTest, PACE, config, reached},
};

/// A simulated service and a client connected to it.
pub(crate) struct SimHarness {
    pub(crate) sim: Sim,
    pub(crate) tested: ClientUnderTest,
    _pace: Pace,
}

/// Headsets as the command line spells them; delays are short.
pub(crate) fn options(headsets: &[&str]) -> Options {
    let soon = Duration::from_millis(100);
    let delays = Delays {
        approval: Some(Duration::ZERO),
        scan: soon,
        connect: soon,
        silence: soon,
        update: soon,
        processing: soon,
        linger: soon,
        ..Delays::default()
    };
    let headsets = headsets.iter().map(|text| text.parse::<HeadsetConfig>().unwrap()).collect();
    Options { headsets, warm: false, approved: false, delays, ..Options::default() }
}

impl SimHarness {
    pub(crate) async fn start(headsets: &[&str]) -> Self {
        Self::with(options(headsets), |config| config).await
    }

    pub(crate) async fn with(
        options: Options,
        change: impl FnOnce(ClientConfig) -> ClientConfig,
    ) -> Self {
        let sim = Sim::start(options).await.unwrap();
        let config = change(config(&sim.url()).streams([Stream::Eeg, Stream::Dev]));
        Self { tested: ClientUnderTest::start(config), sim, _pace: Pace::start(PACE) }
    }

    /// Waits until streams are running. Returns the session.
    pub(crate) async fn streaming(&mut self) -> SessionId {
        let session = self.opened().await.1;
        self.tested.until(reached(ConnectionStep::Streaming)).await;
        session
    }

    /// Waits until a session is opened. Returns its headset and its id.
    pub(crate) async fn opened(&mut self) -> (HeadsetId, SessionId) {
        self.tested
            .until(|event| match event {
                Event::Session(session) => Some((session.headset.id.clone(), session.id.clone())),
                _ => None,
            })
            .await
    }

    pub(crate) fn order(&self, fault: Fault) {
        self.sim.control().inject(fault);
    }

    /// Makes the simulator refuse the next call of a method.
    pub(crate) fn refuse(&self, method: &str, code: i64) {
        let method = Some(method.to_owned());
        self.order(Fault::Refuse { method, code, message: None, times: 1 });
    }

    /// Sends a command, and waits for its effect.
    pub(crate) async fn ask<T>(
        &mut self,
        command: Command,
        wanted: impl FnMut(&Event) -> Option<T>,
    ) -> T {
        self.tested.command(command).await;
        self.tested.until(wanted).await
    }
}

/// Another program with the same credentials.
pub(crate) struct OtherProgram {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    token: String,
}

impl OtherProgram {
    pub(crate) async fn start(sim: &Sim) -> Self {
        let (socket, _) = connect_async(sim.url()).await.unwrap();
        let mut other = Self { socket, token: String::new() };
        let answer =
            other.raw("authorize", json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}));
        other.token = serde_json::from_value(answer.await["cortexToken"].take()).unwrap();
        other
    }

    pub(crate) async fn ask(&mut self, method: &str, mut params: Value) -> Value {
        params["cortexToken"] = self.token.clone().into();
        self.raw(method, params).await
    }

    /// Waits for a sample of a stream.
    pub(crate) async fn sample(&mut self, stream: &str) {
        let next = async {
            while let Some(Ok(frame)) = self.socket.next().await {
                let Frame::Text(text) = frame else { continue };
                if serde_json::from_str::<Value>(&text).unwrap().get(stream).is_some() {
                    return;
                }
            }
            panic!("the connection has ended");
        };
        timeout(Duration::from_secs(20), next).await.expect("a sample");
    }

    async fn raw(&mut self, method: &str, params: Value) -> Value {
        let text = json!({"id": method, "jsonrpc": "2.0", "method": method, "params": params});
        self.socket.send(Frame::text(text.to_string())).await.unwrap();
        loop {
            let frame = self.socket.next().await.unwrap().unwrap();
            let Frame::Text(text) = frame else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == method {
                assert!(answer.get("error").is_none(), "{answer}");
                return answer["result"].take();
            }
        }
    }
}
