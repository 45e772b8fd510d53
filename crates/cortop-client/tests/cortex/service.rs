//! A scripted Cortex service for the client's edge cases: it answers every method of the flow as a
//! real service would, unless the test's script has another answer.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cortop_client::{
    Client, ClientConfig, Command, ConnectionStep, Event, Feed, FeedReceiver, Link, SessionMode,
    Stream, feed,
};
use futures_util::{SinkExt, StreamExt};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::pace::Pace;

/// Credentials that must appear nowhere but in requests.
pub(crate) const CLIENT_ID: &str = "id-of-the-application-0f0f";
pub(crate) const CLIENT_SECRET: &str = "secret-of-the-application-1e1e";
pub(crate) const TOKEN: &str = "aaa.token-of-the-user-2d2d+/=.ccc";

/// Headsets.
pub(crate) const INSIGHT: &str = "INSIGHT-0A1B2C3D";
pub(crate) const EPOCX: &str = "EPOCX-1A2B3C4D";

/// The script's answer to a request.
pub(crate) enum Reply {
    /// The usual answer.
    Usual,
    /// This `result`.
    Result(Value),
    /// This `error`.
    Error(i64, &'static str),
    /// These messages unchanged, in one write.
    Texts(Vec<String>),
    /// No answer.
    Nothing,
}

/// A request as received, and its connection.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) params: Value,
    pub(crate) id: Value,
}

pub(crate) struct ScriptedService {
    pub(crate) url: String,
    seen: watch::Sender<Vec<ReceivedRequest>>,
    /// Text to every connection; an empty one closes them.
    pub(crate) push: broadcast::Sender<String>,
    task: JoinHandle<()>,
    _pace: Pace,
}

type Script = Arc<Mutex<dyn FnMut(&ReceivedRequest) -> Reply + Send>>;

impl Drop for ScriptedService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// On a paused clock: these tests let minutes pass.
pub(crate) const PACE: Duration = Duration::from_millis(250);

impl ScriptedService {
    pub(crate) async fn start(
        script: impl FnMut(&ReceivedRequest) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, None, script)
    }

    pub(crate) fn on(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        script: impl FnMut(&ReceivedRequest) -> Reply + Send + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let seen = watch::Sender::new(Vec::new());
        let push = broadcast::Sender::new(64);
        let script: Script = Arc::new(Mutex::new(script));
        let (log, pushed) = (seen.clone(), push.clone());
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let (tcp, _) = listener.accept().await.unwrap();
                // A paused clock advances while one answer waits for the acknowledgement of
                // another.
                tcp.set_nodelay(true).unwrap();
                let (script, log) = (Arc::clone(&script), log.clone());
                let (pushed, tls) = (pushed.subscribe(), tls.clone());
                // Ends with its socket, or with the runtime of its test.
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, connection, script, log, pushed).await,
                        Some(tls) => {
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(tcp).await {
                                serve(stream, connection, script, log, pushed).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url: format!("{scheme}://localhost:{port}"),
            seen,
            push,
            task,
            _pace: Pace::start(PACE),
        }
    }

    /// The requests for a method so far.
    pub(crate) fn asked(&self, method: &str) -> Vec<ReceivedRequest> {
        of_method(&self.seen.borrow(), method).cloned().collect()
    }

    /// Waits until a method has been requested this many times.
    pub(crate) async fn until_asked(&self, method: &str, times: usize) {
        self.until(|seen| of_method(seen, method).count() >= times).await;
    }

    /// Waits until the requests so far satisfy a condition.
    pub(crate) async fn until(&self, wanted: impl Fn(&[ReceivedRequest]) -> bool) {
        let mut seen = self.seen.subscribe();
        let seen = seen.wait_for(|seen| wanted(seen));
        timeout(PATIENCE, seen).await.expect("asked in time").unwrap();
    }

    pub(crate) fn warn(&self, code: i64, message: Value) {
        let text = json!({"jsonrpc": "2.0", "warning": {"code": code, "message": message}});
        self.push.send(text.to_string()).unwrap();
    }

    pub(crate) fn drop_connections(&self) {
        self.push.send(String::new()).unwrap();
    }
}

fn of_method<'a>(
    seen: &'a [ReceivedRequest],
    method: &'a str,
) -> impl Iterator<Item = &'a ReceivedRequest> {
    seen.iter().filter(move |seen| seen.method == method)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    connection: usize,
    script: Script,
    log: watch::Sender<Vec<ReceivedRequest>>,
    mut pushed: broadcast::Receiver<String>,
) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let mut sessions = Vec::new();
    loop {
        let texts = tokio::select! {
            frame = socket.next() => {
                let Some(Ok(Message::Text(text))) = frame else { return };
                let request: Value = serde_json::from_str(&text).unwrap();
                let seen = ReceivedRequest {
                    connection,
                    method: request["method"].as_str().unwrap().to_owned(),
                    params: request["params"].clone(),
                    id: request["id"].clone(),
                };
                log.send_modify(|log| log.push(seen.clone()));
                let said = script.lock().unwrap()(&seen);
                let answer = |result| vec![json!({"id": seen.id, "jsonrpc": "2.0", "result": result}).to_string()];
                match said {
                    Reply::Usual => answer(usual(&seen, &mut sessions)),
                    Reply::Result(result) => answer(result),
                    Reply::Error(code, message) => vec![
                        json!({"error": {"code": code, "message": message}, "id": seen.id}).to_string(),
                    ],
                    Reply::Texts(texts) => texts,
                    Reply::Nothing => Vec::new(),
                }
            }
            text = pushed.recv() => match text {
                Ok(text) if !text.is_empty() => vec![text],
                _ => return,
            },
        };
        for text in texts {
            if socket.feed(Message::text(text)).await.is_err() {
                return;
            }
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}

pub(crate) fn headset(id: &str, status: &str) -> Value {
    json!({
        "connectedBy": "bluetooth", "id": id, "sensors": ["AF3", "T7", "Pz", "T8", "AF4"],
        "settings": {"eegRate": 128, "memsRate": 32}, "status": status
    })
}

pub(crate) fn session(id: &str, headset_id: &str, status: &str) -> Value {
    json!({"headset": headset(headset_id, "connected"), "id": id, "status": status, "streams": []})
}

pub(crate) fn licence(scopes: &[&str], quota: Value) -> Value {
    json!({"isOnline": true, "license": {"localQuota": quota, "scopes": scopes}})
}

/// One column for each requested stream, named after it.
pub(crate) fn subscribed(params: &Value) -> Value {
    let success: Vec<_> = params["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| json!({"cols": [name], "sid": params["session"], "streamName": name}))
        .collect();
    json!({"failure": [], "success": success})
}

/// The usual answer: somebody is logged in, the application is approved, one Insight is connected,
/// the licence is basic.
fn usual(seen: &ReceivedRequest, sessions: &mut Vec<Value>) -> Value {
    let params = &seen.params;
    match seen.method.as_str() {
        "getCortexInfo" => json!({"version": "4.8.32"}),
        "getUserLogin" => json!([{"username": "ana.lab"}]),
        "hasAccessRight" | "requestAccess" => json!({"accessGranted": true, "message": "ok"}),
        "authorize" | "generateNewToken" => json!({"cortexToken": TOKEN}),
        "getLicenseInfo" => licence(&[""], json!(42)),
        "queryHeadsets" => json!([headset("INSIGHT-0A1B2C3D", "connected")]),
        "querySessions" => json!(sessions),
        "createSession" => {
            let id = params["headset"].as_str().unwrap();
            let status = if params["status"] == "active" { "activated" } else { "opened" };
            sessions.push(session(&format!("session-{}-of-{id}", seen.connection), id, status));
            sessions.last().unwrap().clone()
        }
        "subscribe" | "unsubscribe" => subscribed(params),
        "updateSession" => {
            if params["status"] == "close" {
                sessions.retain(|session| session["id"] != params["session"]);
            }
            json!({"id": params["session"]})
        }
        _ => json!({"message": "ok"}),
    }
}

/// The client under test.
pub(crate) struct ClientUnderTest {
    pub(crate) client: Client,
    pub(crate) feed: FeedReceiver,
    pub(crate) events: Vec<Event>,
}

pub(crate) fn config(url: &str) -> ClientConfig {
    ClientConfig::new(CLIENT_ID, CLIENT_SECRET).url(url).streams([Stream::Dev, Stream::Met])
}

impl ClientUnderTest {
    pub(crate) fn start(config: ClientConfig) -> Self {
        let (sender, feed) = feed();
        Self { client: Client::spawn(config, sender), feed, events: Vec::new() }
    }

    /// Reads events until one is wanted; all are kept.
    pub(crate) async fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.client.events.recv().await.expect("the client has ended");
                let found = wanted(&event);
                self.events.push(event);
                if let Some(found) = found {
                    return found;
                }
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("never came, after {:#?}", self.events))
    }

    pub(crate) async fn fed(&mut self) -> Feed {
        let fed = timeout(PATIENCE, self.feed.queue.recv()).await;
        fed.expect("nothing was fed").expect("the client has ended")
    }

    pub(crate) async fn command(&self, command: Command) {
        self.client.commands.send(command).await.unwrap();
    }

    /// Quits, reads on, and returns all events of the client's life.
    pub(crate) async fn quit(mut self) -> Vec<Event> {
        self.command(Command::Quit).await;
        let rest = timeout(Duration::from_secs(5), async {
            while let Some(event) = self.client.events.recv().await {
                self.events.push(event);
            }
            self.client.task.await.unwrap();
        });
        rest.await.expect("the client did not end");
        self.events
    }
}

pub(crate) fn step(event: &Event) -> Option<ConnectionStep> {
    match event {
        Event::Link(Link::Up { step, .. }) => Some(step.clone()),
        _ => None,
    }
}

pub(crate) fn reached(wanted: ConnectionStep) -> impl Fn(&Event) -> Option<()> {
    move |event| (step(event)? == wanted).then_some(())
}

pub(crate) fn opened(event: &Event) -> Option<(SessionMode, String)> {
    match event {
        Event::Opened { mode, why, .. } => Some((*mode, why.clone())),
        _ => None,
    }
}

pub(crate) fn refused(event: &Event) -> Option<String> {
    match event {
        Event::Refused(refusal) => Some(refusal.to_string()),
        _ => None,
    }
}

pub(crate) fn closed(event: &Event) -> Option<String> {
    match event {
        Event::Closed { why, .. } => Some(why.clone()),
        _ => None,
    }
}
