//! The sockets of the service: accepts connections; each has one task with one timer, and a bounded
//! queue in case its client does not read. Independent of methods and streams.

use std::{io, pin::pin, sync::Arc, time::Duration};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{broadcast::error::RecvError, mpsc},
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{
        self, Message,
        error::ProtocolError,
        protocol::{
            CloseFrame, WebSocketConfig,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use super::{
    backlog::Backlog,
    dispatch::respond,
    journal::SampleCount,
    listener::Listener,
    outgoing::{ClientEvent, Delivery, Notification, Outgoing, Payload, reply},
    shared::SharedService,
    tls::Tls,
};
use cortop_protocol::wire::Side;

/// How many messages per headset may wait for a client: two seconds of everything an EPOC X sends.
const QUEUE_PER_HEADSET: usize = 1024;
/// For this many headsets at most; beyond that, a second of everything.
const MAX_QUEUES: usize = 16;
/// The most messages held back for later; a fault that delays more loses them.
const MAX_HELD: usize = 4096;
/// The longest request that is read, in bytes; none of the API comes close.
const MAX_REQUEST: usize = 1 << 20;
/// The default of 128 KiB is zeroed at each read.
const READ_BUFFER: usize = 8 << 10;
/// The time limit of a new connection's handshakes.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for sending what is queued and the close frame, and for the client's answer to
/// it.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Accepts connections and lets scheduled events happen until the service ends, and after that for
/// twice the [`CLOSE_TIMEOUT`] at most; if aborted, all connections end with it.
pub(super) async fn serve(listener: Listener, tls: Option<Arc<Tls>>, shared: SharedService) {
    let mut connections = JoinSet::new();
    let mut changes = shared.changes();
    // Clients are numbered from 1, as in a scenario.
    let mut number = 0;
    while !shared.is_ending() {
        let next = shared.next_event();
        tokio::select! {
            stream = listener.accept() => {
                number += 1;
                connections.spawn(serve_connection(stream, tls.clone(), shared.clone(), number));
            }
            Some(_) = connections.join_next() => {}
            () = wait_until(next) => {}
            _ = changes.changed() => {}
        }
    }
    drop(listener);
    // A client that reads nothing or never finishes its handshake must not keep the service
    // running.
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(2 * CLOSE_TIMEOUT, ended).await;
}

/// Waits until a moment, or forever.
async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn serve_connection(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    shared: SharedService,
    number: u64,
) {
    // Samples must not wait for one another; a socket without this option still works.
    let _ = stream.set_nodelay(true);
    let done = match tls {
        None => converse(stream, &shared, number).await,
        Some(tls) => {
            let flaw = shared.with(|service, _| service.faults.flaw);
            let acceptor = TlsAcceptor::from(tls.config(flaw));
            match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, &shared, number).await,
                Ok(Err(error)) => {
                    shared.journal.handshake_failed(number, &error);
                    return;
                }
                Err(_) => Ok(()),
            }
        }
    };
    match done {
        Ok(()) => tracing::debug!("client {number}: gone"),
        Err(error) if is_abrupt(&error) => {
            tracing::debug!("client {number}: gone without a close frame");
        }
        Err(error) => tracing::debug!("client {number}: gone: {error}"),
    }
}

/// Whether a connection ended without a close frame.
fn is_abrupt(error: &tungstenite::Error) -> bool {
    match error {
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => true,
        tungstenite::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

/// Removes the client from the service however its connection ends, including when its task is
/// aborted.
struct DisconnectGuard<'a> {
    shared: &'a SharedService,
    number: u64,
    by: Side,
}

impl Drop for DisconnectGuard<'_> {
    fn drop(&mut self) {
        self.shared.journal.disconnected(self.number, self.by);
        self.shared.update(|service, now| service.disconnect_client(self.number, now));
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &SharedService,
    number: u64,
) -> tungstenite::Result<()> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_REQUEST))
        .max_frame_size(Some(MAX_REQUEST));
    let handshake = accept_async_with_config(stream, Some(config));
    let Ok(socket) = timeout(HANDSHAKE_TIMEOUT, handshake).await else { return Ok(()) };
    let (sink, mut source) = socket?.split();
    tracing::debug!("client {number}: connected");
    let headsets = shared.update(|service, _| {
        service.connections += 1;
        service.headsets.0.len()
    });
    shared.journal.connected(number);
    // An end that nobody here requested is the client's, unless this task is aborted.
    let mut guard = DisconnectGuard { shared, number, by: Side::Service };
    let (queue, queued) = mpsc::channel(QUEUE_PER_HEADSET * headsets.clamp(1, MAX_QUEUES));
    let unread = |time| shared.journal.unread(number, time);
    let mut writing = pin!(write_all(sink, queued, unread));
    let connection = ClientConnection { queue, shared, number, held: Vec::new() };
    let end = tokio::select! {
        end = connection.run(&mut source) => end,
        done = &mut writing => done.map(|_| CloseKind::Left),
    };
    if matches!(end, Ok(CloseKind::Left | CloseKind::Refused(_)) | Err(_)) {
        guard.by = Side::Client;
    }
    let end = end?;
    let closing = async {
        match end {
            CloseKind::Left | CloseKind::Dropped => {}
            CloseKind::Close => {
                drop(writing.await?);
                // The client answers with a close frame of its own.
                while source.next().await.transpose()?.is_some() {}
            }
            CloseKind::Refused(_) => {
                let sink = writing.await?;
                // Otherwise, data that the client is still sending would reset the connection and
                // lose the close frame.
                if let Ok(mut socket) = sink.reunite(source) {
                    tokio::io::copy(socket.get_mut(), &mut tokio::io::sink()).await?;
                }
            }
        }
        Ok::<_, tungstenite::Error>(())
    };
    timeout(CLOSE_TIMEOUT, closing).await.unwrap_or(Ok(()))?;
    match end {
        CloseKind::Refused(code) => Err(tungstenite::Error::Io(io::Error::other(format!(
            "it sends what is no WebSocket message, and got close code {code}"
        )))),
        _ => Ok(()),
    }
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CloseKind {
    /// The client has disconnected.
    Left,
    /// The client is dropped without a close frame.
    Dropped,
    /// With a close frame.
    Close,
    /// With a close frame of this code, because the client violates the WebSocket protocol.
    Refused(CloseCode),
}

/// The close code for what is wrong with a client's data (RFC 6455, section 7.4.1); `None` if the
/// connection itself has failed.
fn refusal_of(error: &tungstenite::Error) -> Option<CloseCode> {
    match error {
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(CloseCode::Protocol),
        tungstenite::Error::Utf8(_) => Some(CloseCode::Invalid),
        tungstenite::Error::Capacity(_) => Some(CloseCode::Size),
        _ => None,
    }
}

/// Serves one client, and holds back messages for later.
struct ClientConnection<'a> {
    queue: mpsc::Sender<Message>,
    shared: &'a SharedService,
    number: u64,
    held: Vec<Outgoing>,
}

impl ClientConnection<'_> {
    /// Answers the client, and queues what is due.
    async fn run(
        mut self,
        mut source: impl Stream<Item = tungstenite::Result<Message>> + Unpin,
    ) -> tungstenite::Result<CloseKind> {
        let mut notifications = self.shared.notifications();
        let mut changes = self.shared.changes();
        loop {
            if self.shared.is_ending() {
                return Ok(CloseKind::Close);
            }
            tokio::select! {
                message = source.next() => match message {
                    Some(Err(error)) => {
                        let Some(code) = refusal_of(&error) else { return Err(error) };
                        let reason = error.to_string().into();
                        let close = Message::Close(Some(CloseFrame { code, reason }));
                        let _ = self.queue.send(close).await;
                        return Ok(CloseKind::Refused(code));
                    }
                    Some(Ok(Message::Text(text))) => {
                        let number = self.number;
                        self.shared.journal.received(number, &text);
                        let answers = self
                            .shared
                            .update(|service, now| respond(service, number, now, &text));
                        for answer in answers {
                            self.send(answer).await;
                        }
                    }
                    // After a close frame, keep reading until it is answered.
                    None => return Ok(CloseKind::Left),
                    Some(Ok(_)) => {}
                },
                notification = notifications.recv() => match notification {
                    Ok(Notification { client: Some(other), .. }) if other != self.number => {}
                    Ok(Notification { event: ClientEvent::Message(payload), .. }) => {
                        self.send(payload.into()).await;
                    }
                    Ok(Notification { event: ClientEvent::Disconnect { close }, .. }) => {
                        return Ok(if close { CloseKind::Close } else { CloseKind::Dropped });
                    }
                    // It has missed some.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(CloseKind::Dropped),
                },
                () = wait_until(self.due()) => {
                    self.send_samples();
                    self.release().await;
                }
                _ = changes.changed() => {}
            }
        }
    }

    /// When the next message is due without a request.
    fn due(&self) -> Option<Instant> {
        self.shared.with(|service, _| {
            let held = self.held.iter().filter_map(|message| match message.delivery {
                Delivery::Now => None,
                Delivery::At(time) | Delivery::AfterNext(time) => Some(time),
            });
            let next = service.sessions.next_sample(self.number, &service.headsets);
            let due = held.chain(next).min_by(f64::total_cmp);
            due.map(|time| service.env.clock.instant(time))
        })
    }

    /// Sends a message now, or holds it back.
    async fn send(&mut self, message: Outgoing) {
        if message.delivery != Delivery::Now {
            if self.held.len() < MAX_HELD {
                self.held.push(message);
            }
            return;
        }
        self.queue(message.payload).await;
        let overtaken = |held: &mut Outgoing| matches!(held.delivery, Delivery::AfterNext(_));
        let overtaken: Vec<_> = self.held.extract_if(.., overtaken).collect();
        for message in overtaken {
            self.queue(message.payload).await;
        }
    }

    /// Sends messages that have been held back long enough.
    async fn release(&mut self) {
        let now = self.shared.with(|_, now| now) + 1e-6;
        let due = |held: &mut Outgoing| match held.delivery {
            Delivery::Now => true,
            Delivery::At(time) | Delivery::AfterNext(time) => time <= now,
        };
        let due: Vec<_> = self.held.extract_if(.., due).collect();
        for message in due {
            self.queue(message.payload).await;
        }
    }

    async fn queue(&self, payload: Payload) {
        if matches!(payload, Payload::Deferred(..)) {
            // It must not delay the end of the connection.
            let queue = self.queue.downgrade();
            let (journal, number) = (self.shared.journal.clone(), self.number);
            spawn_blocking(move || {
                let frame = frame(payload);
                journal.sent(number, frame.to_text().unwrap_or_default());
                if let Some(queue) = queue.upgrade() {
                    let _ = queue.blocking_send(frame);
                }
            });
            return;
        }
        if let Payload::Text(text) = &payload {
            self.shared.journal.sent(self.number, text);
        }
        // Without a writer the connection is over, which is detected elsewhere.
        let _ = self.queue.send(frame(payload)).await;
    }

    /// Queues the samples that are due; those that do not fit are dropped and counted.
    fn send_samples(&mut self) {
        let (queue, held, number) = (&self.queue, &mut self.held, self.number);
        let mut count = SampleCount::default();
        self.shared.with(|service, _| {
            let mut dropped = 0;
            service.send_samples(number, |sample| {
                let is_now = sample.delivery == Delivery::Now;
                let permit = if is_now { queue.try_reserve().ok() } else { None };
                let has_room = permit.is_some() || !is_now && held.len() < MAX_HELD;
                dropped += u64::from(!has_room);
                // A sample that is held back counts when it is sent.
                if let (true, Payload::Text(text)) = (is_now || !has_room, &sample.payload) {
                    count.count(text, has_room);
                }
                match permit {
                    Some(permit) => permit.send(frame(sample.payload)),
                    None if has_room => held.push(sample),
                    None => {}
                }
            });
            service.dropped += dropped;
        });
        self.shared.journal.sampled(number, &count);
    }
}

/// A text frame, whatever its content.
fn frame(payload: Payload) -> Message {
    match payload {
        Payload::Text(text) => Message::text(text),
        Payload::Deferred(id, result) => Message::text(reply(&id, Ok(result.run()))),
        Payload::Bytes(bytes) => {
            Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))
        }
    }
}

/// Writes what is queued, flushes when nothing is waiting, and closes when nothing more will come.
/// Calls `unread` when the client has not read for some time.
async fn write_all<S: Sink<Message, Error = tungstenite::Error> + Unpin>(
    mut sink: S,
    mut queue: mpsc::Receiver<Message>,
    unread: impl Fn(Duration),
) -> tungstenite::Result<S> {
    let mut backlog = Backlog::default();
    while let Some(message) = queue.recv().await {
        backlog.writes(message.len());
        backlog.wait(sink.feed(message), &unread).await?;
        while let Ok(message) = queue.try_recv() {
            backlog.writes(message.len());
            backlog.wait(sink.feed(message), &unread).await?;
        }
        backlog.wait(sink.flush(), &unread).await?;
    }
    sink.close().await?;
    Ok(sink)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::time::advance;

    use super::*;
    use crate::{Options, service};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_costs_samples_and_no_memory() {
        let (service, _) = service(&Options::default(), None).unwrap();
        let shared = SharedService::new(service);
        let ask = |method: &str, params: Value| {
            let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
            let answer =
                shared.update(|service, now| respond(service, 0, now, &request.to_string()));
            serde_json::from_str::<Value>(answer[0].text()).unwrap()["result"].clone()
        };
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        let token = ask("authorize", keys)["cortexToken"].clone();
        let session = ask("createSession", json!({ "cortexToken": token, "status": "active" }));
        let params = json!({ "cortexToken": token, "session": session["id"], "streams": ["eeg"] });
        ask("subscribe", params);
        let (queue, mut waiting) = mpsc::channel(16);
        let mut connection =
            ClientConnection { queue, shared: &shared, number: 0, held: Vec::new() };
        advance(Duration::from_millis(501)).await;
        connection.send_samples();
        // Half a second at 256 Hz and the sample at its start; the oldest wait, the rest is
        // counted.
        assert_eq!(shared.with(|service, _| service.dropped), 129 - 16);
        assert!(waiting.recv().await.unwrap().to_text().unwrap().starts_with("{\"eeg\":[0,"));
    }
}
