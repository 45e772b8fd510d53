//! The task that owns the socket: writes requests, matches answers in any order, registers the
//! columns of a subscription before it reads on, hands samples to the decoder, and notices when the
//! service no longer answers. Knows nothing about what the answers mean.

use std::{borrow::Cow, collections::HashMap, io, sync::Arc, time::Duration};

use bytestring::ByteString;
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Bytes, Utf8Bytes, error::CapacityError},
};

use super::{
    clock::Clocks,
    feed::FeedSender,
    repeat_counter::{RepeatCounter, WarningCounter},
    rpc::{self, AnswerEffect, LinkCommand, Request, Rpc},
    stream_table::{FoundSample, SESSIONS, StreamTable},
    tap::{self, Tap},
};
use cortop_protocol::{
    Error, ErrorKind, Feed, HeadsetId, Method, SessionId, Warning,
    code::{WarningCode, warning},
    envelope::{SampleMessage, ServerMessage},
    secrets::Secrets,
    wire::{Side, WireMessage},
};

/// If a request is open and nothing was received for this long, the link probes the service: there
/// is no ping at this level (§1.5).
const PROBE_AFTER: Duration = Duration::from_secs(5);

/// The limit of a write, and of the goodbye.
const WRITE: Duration = Duration::from_secs(5);
const GOODBYE: Duration = Duration::from_millis(300);

/// How many requests are remembered, including unanswered ones, so that late answers are
/// recognized.
const PENDING: usize = 256;

/// How many notices may wait for the client.
pub(super) const NOTICES: usize = 1024;

/// How many of these may be warnings with unknown codes: in a flood those are only counted, so that
/// the known ones, which decide about sessions, are kept.
const UNKNOWN_NOTICES: usize = 64;

/// What the link reports on its own.
#[derive(Clone, Debug)]
pub(super) enum LinkNotice {
    /// Cortex sent a warning.
    Warning(Warning),
    /// Samples of a session that had ended are arriving again (§2.12).
    Resumed(SessionId),
    /// The clock that stamps the samples of a headset was set.
    ClockStepped(HeadsetId),
}

/// A running link.
pub(super) struct LinkHandle {
    pub(super) rpc: Rpc,
    pub(super) notices: mpsc::Receiver<LinkNotice>,
    /// Ends when the socket does, and returns why.
    pub(super) task: JoinHandle<Error>,
}

/// Starts the task that owns the socket. It ends with the socket, or when no caller is left.
pub(super) fn spawn<S>(
    socket: WebSocketStream<S>,
    feed: FeedSender,
    clocks: Arc<Clocks>,
    secrets: Secrets,
    tap: Tap,
) -> LinkHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (rpc, commands) = rpc::channel();
    let (sender, notices) = mpsc::channel(NOTICES);
    let task = SocketTask {
        socket,
        notices: sender,
        feed,
        clocks,
        pending: HashMap::new(),
        last_id: 0,
        streams: StreamTable::default(),
        last_received: Instant::now(),
        probed: None,
        slowest: Duration::ZERO,
        attention: None,
        malformed: RepeatCounter::new("malformed messages"),
        unsubscribed: RepeatCounter::new("samples without a subscription"),
        late: RepeatCounter::new("answers to no pending request"),
        dropped: RepeatCounter::new("warnings dropped in a flood"),
        warnings: WarningCounter::default(),
        secrets,
        tap,
    };
    LinkHandle { rpc, notices, task: tokio::spawn(task.run(commands)) }
}

struct SocketTask<S> {
    socket: WebSocketStream<S>,
    notices: mpsc::Sender<LinkNotice>,
    feed: FeedSender,
    clocks: Arc<Clocks>,
    pending: HashMap<u64, PendingRequest>,
    last_id: u64,
    streams: StreamTable,
    last_received: Instant,
    /// When the service was last probed.
    probed: Option<Instant>,
    /// The longest time that an answer has taken on this connection.
    slowest: Duration,
    /// The last `attention` that came beside an answer (§1.3).
    attention: Option<Warning>,
    malformed: RepeatCounter,
    unsubscribed: RepeatCounter,
    late: RepeatCounter,
    dropped: RepeatCounter,
    warnings: WarningCounter,
    secrets: Secrets,
    tap: Tap,
}

/// A request under way.
struct PendingRequest {
    method: Method,
    sent: Instant,
    effect: AnswerEffect,
    reply: oneshot::Sender<Result<Value, Error>>,
    /// The lasting subject of its answer, and the request as it was sent.
    lasting: Option<(tap::AnswerSubject, (Timestamp, String))>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> SocketTask<S> {
    async fn run(mut self, mut commands: mpsc::Receiver<LinkCommand>) -> Error {
        self.tap.connected();
        let mut ended_by = Side::Service;
        let why = loop {
            let deadline = self.deadline();
            let step = tokio::select! {
                frame = self.socket.next() => self.on_frame(frame).await,
                command = commands.recv() => match command {
                    Some(LinkCommand::Call { request, reply }) => self.send(request, reply).await,
                    Some(LinkCommand::SessionLost(session)) => {
                        self.end_streams(&session).await;
                        Ok(())
                    }
                    Some(LinkCommand::Close) | None => {
                        ended_by = Side::Client;
                        Err(lost("closed by cortop", ""))
                    }
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.probe().await
                }
            };
            if let Err(why) = step {
                break why;
            }
        };
        // Before the goodbye, which may take a while.
        for ended in self.streams.end_all() {
            self.feed.change(ended).await;
        }
        self.pending.clear();
        // A peer that does not accept it is gone already.
        let _ = timeout(GOODBYE, self.socket.close(None)).await;
        self.tap.disconnected(ended_by);
        why
    }

    async fn send(
        &mut self,
        request: Request,
        reply: oneshot::Sender<Result<Value, Error>>,
    ) -> Result<(), Error> {
        let Request { method, params, effect } = request;
        if let AnswerEffect::Subscribe { session, .. } = &effect
            && !self.streams.make_room(session)
        {
            // The caller may be gone.
            let _ = reply.send(Err(too_many_sessions().on(method)));
            return Ok(());
        }
        if self.pending.len() >= PENDING {
            self.pending.retain(|_, pending| !pending.reply.is_closed());
        }
        self.last_id += 1;
        let id = self.last_id;
        tracing::debug!("asked {method} (id {id})");
        self.secrets.learn(&params);
        let subject = tap::subject(method, &params);
        let text = json!({"id": id, "jsonrpc": "2.0", "method": method.name(), "params": params})
            .to_string();
        let lasting = subject.map(|subject| (subject, (Timestamp::now(), text.clone())));
        let request = PendingRequest { method, sent: Instant::now(), effect, reply, lasting };
        self.pending.insert(id, request);
        self.tap.message(Side::Client, WireMessage::Text(&text));
        match timeout(WRITE, self.socket.send(text.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(socket_lost(&error)),
            Err(_) => Err(lost("the service takes no more requests", AGAIN)),
        }
    }

    /// Requests with a waiting caller.
    fn awaited(&self) -> impl Iterator<Item = &PendingRequest> {
        self.pending.values().filter(|pending| !pending.reply.is_closed())
    }

    /// When to probe the service, and after that, when to give up; `None` while no request is open.
    fn deadline(&self) -> Option<Instant> {
        let silent_since = |pending: &PendingRequest| pending.sent.max(self.last_received);
        let Some(probed) = self.probed else {
            return self.awaited().map(|pending| silent_since(pending) + PROBE_AFTER).min();
        };
        let limit = if self.streams.expects_samples() {
            // If samples stop together with the answers, the service is dead, unless it was as slow
            // before.
            self.awaited().map(silent_since).min()? + 2 * PROBE_AFTER.max(self.slowest)
        } else {
            self.awaited()
                .map(|pending| silent_since(pending) + rpc::limit(pending.method))
                .min()?
        };
        // Counted from the probe too: this program may have been suspended meanwhile.
        Some(limit.max(probed + PROBE_AFTER))
    }

    async fn probe(&mut self) -> Result<(), Error> {
        if self.probed.is_some() {
            return Err(lost("the service stopped answering", AGAIN));
        }
        self.probed = Some(Instant::now());
        if let Some(oldest) = self.awaited().min_by_key(|pending| pending.sent) {
            let seconds = oldest.sent.elapsed().as_secs();
            tracing::info!("{} has not been answered for {seconds} s", oldest.method);
        }
        let (reply, _) = oneshot::channel();
        self.send(Request::new(Method::GetCortexInfo, json!({})), reply).await
    }

    async fn on_frame(
        &mut self,
        frame: Option<Result<tungstenite::Message, tungstenite::Error>>,
    ) -> Result<(), Error> {
        self.last_received = Instant::now();
        self.probed = None;
        match frame {
            None => Err(closed()),
            Some(Err(error)) => Err(socket_lost(&error)),
            Some(Ok(tungstenite::Message::Text(text))) => {
                self.tap.message(Side::Service, WireMessage::Text(&text));
                self.on_text(&text).await;
                Ok(())
            }
            Some(Ok(tungstenite::Message::Binary(bytes))) => {
                self.tap.message(Side::Service, WireMessage::Binary(bytes.len()));
                self.malformed.add("binary");
                Ok(())
            }
            // The socket itself answers pings, and the goodbye answers a close frame. What comes
            // after that frame, such as a reset, is not the reason for the end.
            Some(Ok(other)) => {
                self.look_on(&other);
                if other.is_close() { Err(closed()) } else { Ok(()) }
            }
        }
    }

    /// Shows a control frame to the observer.
    fn look_on(&self, frame: &tungstenite::Message) {
        let message = match frame {
            tungstenite::Message::Ping(bytes) => WireMessage::Ping(bytes.len()),
            tungstenite::Message::Pong(bytes) => WireMessage::Pong(bytes.len()),
            tungstenite::Message::Close(frame) => WireMessage::Close {
                code: frame.as_ref().map(|frame| frame.code.into()),
                reason: frame.as_ref().map_or("", |frame| &frame.reason),
            },
            _ => return,
        };
        self.tap.message(Side::Service, message);
    }

    async fn on_text(&mut self, text: &Utf8Bytes) {
        match self.streams.parse(text) {
            Ok(ServerMessage::Sample(message)) => self.on_sample(&message, text).await,
            Ok(ServerMessage::Answer { id, result, attention }) => {
                self.on_answer(id, result, text).await;
                // It comes with every answer for as long as it applies: one report is enough.
                if let Some(attention) =
                    attention.filter(|new| self.attention.as_ref() != Some(new))
                {
                    self.attention = Some(attention.clone());
                    self.on_warning(attention).await;
                }
            }
            Ok(ServerMessage::Warning(warning)) => self.on_warning(warning).await,
            Ok(ServerMessage::Malformed) => self.malformed.add("no known members"),
            // The error names line and column but quotes no text, which might contain a token.
            Err(error) => self.malformed.add(&error.to_string()),
        }
    }

    async fn on_answer(&mut self, id: Option<u64>, result: Result<&RawValue, Value>, text: &str) {
        let Some(pending) = id.and_then(|id| self.pending.remove(&id)) else {
            self.late.add("unknown id, or answered before");
            return;
        };
        let PendingRequest { method, sent, effect, reply, lasting } = pending;
        let took = sent.elapsed();
        self.slowest = self.slowest.max(took);
        let ms = took.as_millis();
        let result = match result {
            Ok(raw) => {
                tracing::debug!(
                    "{method} answered in {ms} ms (id {id})",
                    id = id.unwrap_or_default()
                );
                // It was valid JSON when the message was read; if nested beyond serde's limit, it
                // is of no use.
                if let Some((subject, request)) = lasting {
                    self.tap.answered(subject, request, text);
                }
                let mut result = serde_json::from_str(raw.get()).unwrap_or_default();
                self.secrets.redact_result(&mut result);
                self.apply(effect, &result).await;
                Ok(result)
            }
            Err(mut error) => {
                self.secrets.redact(&mut error);
                let error = Error::from_answer(method, error);
                tracing::debug!(
                    "{method} refused with {} in {ms} ms (id {})",
                    error.code.unwrap_or_default(),
                    id.unwrap_or_default()
                );
                Err(error)
            }
        };
        // Nobody waits for the probe's answer either, but that is no surprise.
        let late = reply.send(result).is_err();
        if late && method != Method::GetCortexInfo {
            self.late.add(method.name());
        }
    }

    /// Applies what an answer changes about the streams, before the next message is read.
    async fn apply(&mut self, effect: AnswerEffect, result: &Value) {
        for change in self.streams.apply(effect, result) {
            self.feed.change(change).await;
        }
    }

    async fn on_sample(&mut self, message: &SampleMessage<'_>, text: &Utf8Bytes) {
        let received = self.last_received;
        // Shares the bytes of the frame; tungstenite guarantees that text is UTF-8.
        let text = ByteString::try_from(Bytes::from(text.clone())).unwrap_or_default();
        let FoundSample { sample, resumed, is_compared } =
            match self.streams.find(message, text, received) {
                Ok(found) => found,
                Err(why) => return self.unsubscribed.add(why),
            };
        if !resumed.is_empty() {
            for subscription in resumed {
                self.feed.change(Feed::Subscribed(subscription)).await;
            }
            self.notify(LinkNotice::Resumed(sample.subscription.session.clone()));
        }
        if is_compared
            && let Some(time) = sample.values.time
            && self.clocks.stamped(&sample.subscription.headset, time, received)
        {
            self.notify(LinkNotice::ClockStepped(sample.subscription.headset.clone()));
        }
        self.feed.sample(sample);
    }

    async fn on_warning(&mut self, mut warning: Warning) {
        self.secrets.redact(&mut warning.message);
        // Already logged by the record's title, so not again by its id.
        let is_named = matches!(warning.code, warning::RECORD_SAVED | warning::RECORD_READY)
            && warning.record().is_some();
        if !is_named {
            self.warnings.add(&warning);
        }
        if matches!(warning.code, warning::STREAMS_STOPPED | warning::SESSION_CLOSED)
            && let Some(session) = warning.session()
        {
            self.end_streams(&session).await;
        }
        self.notify(LinkNotice::Warning(warning));
    }

    /// Ends the streams of a session once.
    async fn end_streams(&mut self, session: &SessionId) {
        if let Some(ended) = self.streams.end(session) {
            self.feed.change(ended).await;
        }
    }

    /// Never waits for the client, which may be waiting for this task.
    fn notify(&mut self, notice: LinkNotice) {
        let unknown = matches!(
            &notice,
            LinkNotice::Warning(warning) if WarningCode::find(warning.code).is_none()
        );
        let waiting = NOTICES - self.notices.capacity();
        if unknown && waiting >= UNKNOWN_NOTICES || self.notices.try_send(notice).is_err() {
            self.dropped.add("");
        }
    }
}

/// The error of a subscription when there is no room for another session.
fn too_many_sessions() -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("not subscribed: cortop takes the samples of {SESSIONS} sessions at most"),
        "close another session; cortop then subscribes this one automatically",
    )
}

/// The next step after a loss.
const AGAIN: &str = "cortop reconnects automatically; if this persists, restart the Cortex service";

/// The error of a connection that has ended.
pub(super) fn lost(meaning: impl Into<Cow<'static, str>>, next: &'static str) -> Error {
    Error::new(ErrorKind::ConnectionLost, meaning, next)
}

/// The error of an open socket that can no longer be used.
fn socket_lost(error: &tungstenite::Error) -> Error {
    const OTHER: &str = "check that --url names a Cortex service, and restart it";
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            lost(format!("the service sent a message longer than {max_size} bytes"), OTHER)
        }
        tungstenite::Error::Utf8(_) => lost("the service sent text that is not UTF-8", OTHER),
        // TLS ended without a close notification; what rustls says about it would not help anyone
        // here.
        tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => closed(),
        error => {
            tracing::debug!("the connection to the service was lost: {error}");
            match error {
                tungstenite::Error::Io(error) if error.kind() != io::ErrorKind::Other => {
                    let kind = error.kind();
                    lost(format!("the connection to the service was lost ({kind})"), AGAIN)
                }
                _ => lost("the connection to the service was lost", AGAIN),
            }
        }
    }
}

fn closed() -> Error {
    lost("the service closed the connection", AGAIN)
}

#[cfg(test)]
mod tests;
