//! The sockets of the service: accepting, one task for each connection with one timer, a bounded
//! queue to a client that may not read. Knows no method and no stream.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{broadcast::error::RecvError, mpsc},
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{
        self, Message,
        protocol::{
            WebSocketConfig,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

use super::{
    outgoing::{Delivery, Notification, NotificationKind, Outgoing, Payload},
    service::SharedService,
    tls::Tls,
};

/// Messages that may wait for a client, a headset: two seconds of everything an EPOC X sends.
const QUEUE: usize = 1024;
/// For so many headsets at most; then it is a second of everything.
const QUEUES: usize = 16;
/// Messages held back for later at most; a fault that delays more loses them.
const HELD: usize = 4096;
/// Bytes of a request that are read; none of the API comes near.
const LARGEST: usize = 1 << 20;
/// The default of 128 KiB is zeroed at each read.
const READ_BUFFER: usize = 8 << 10;
/// Time for the handshakes of a new connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for what is queued, the close frame and the client's answer to it.
const GOODBYE: Duration = Duration::from_millis(500);
/// Pause after a failed accept, which repeats at once when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections and lets planned things happen, until it is told to end; aborted, all
/// connections end with it.
pub(super) async fn serve(
    listeners: Vec<TcpListener>,
    tls: Option<Arc<Tls>>,
    shared: SharedService,
) {
    let mut accepting = JoinSet::new();
    let (sender, mut accepted) = mpsc::channel(1);
    for listener in listeners {
        accepting.spawn(accept(listener, sender.clone()));
    }
    let mut connections = JoinSet::new();
    let mut changes = shared.changes();
    // Clients count from 1, as a scenario counts them.
    let mut number = 0;
    while !shared.is_ending() {
        let next = shared.next();
        tokio::select! {
            Some(stream) = accepted.recv() => {
                number += 1;
                connections.spawn(connection(stream, tls.clone(), shared.clone(), number));
            }
            Some(_) = connections.join_next() => {}
            () = at(next) => {}
            _ = changes.changed() => {}
        }
    }
    drop(accepting);
    while connections.join_next().await.is_some() {}
}

/// Accepts on one address.
async fn accept(listener: TcpListener, accepted: mpsc::Sender<TcpStream>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if accepted.send(stream).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!("the simulator cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits for a moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn connection(stream: TcpStream, tls: Option<Arc<Tls>>, shared: SharedService, number: u64) {
    // Samples must not wait for one another; a socket that cannot do it still works.
    let _ = stream.set_nodelay(true);
    let done = match tls {
        None => talk(stream, &shared, number).await,
        Some(tls) => {
            let flaw = shared.quietly(|service, _| service.trouble.flaw);
            let acceptor = TlsAcceptor::from(tls.config(flaw));
            match timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => talk(stream, &shared, number).await,
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Ok(()),
            }
        }
    };
    match done {
        Ok(()) => tracing::debug!("client {number}: gone"),
        Err(error) => tracing::debug!("client {number}: gone: {error}"),
    }
}

/// Says goodbye to the service however the conversation ends, by an abort of its task too.
struct DisconnectGuard<'a>(&'a SharedService, u64);

impl Drop for DisconnectGuard<'_> {
    fn drop(&mut self) {
        self.0.with(|service, now| service.disconnect_client(self.1, now));
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &SharedService,
    number: u64,
) -> tungstenite::Result<()> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let handshake = accept_async_with_config(stream, Some(config));
    let Ok(socket) = timeout(HANDSHAKE, handshake).await else { return Ok(()) };
    let (sink, mut source) = socket?.split();
    tracing::debug!("client {number}: connected");
    let headsets = shared.with(|service, _| {
        service.connections += 1;
        service.headsets.len()
    });
    let _guest = DisconnectGuard(shared, number);
    let (queue, queued) = mpsc::channel(QUEUE * headsets.clamp(1, QUEUES));
    let mut say = pin!(say(sink, queued));
    let ear = Connection { queue, shared, number, held: Vec::new() };
    let end = tokio::select! {
        end = ear.hear(&mut source) => end?,
        done = &mut say => return done,
    };
    if end == End::Close {
        let goodbye = async {
            say.await?;
            // The client answers with a close frame of its own.
            while source.next().await.transpose()?.is_some() {}
            Ok(())
        };
        return timeout(GOODBYE, goodbye).await.unwrap_or(Ok(()));
    }
    Ok(())
}

/// How a conversation ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client is gone, or is dropped without a word.
    Gone,
    /// With a close frame.
    Close,
}

/// Hears one client, and keeps what is to be said later.
struct Connection<'a> {
    queue: mpsc::Sender<Message>,
    shared: &'a SharedService,
    number: u64,
    held: Vec<Outgoing>,
}

impl Connection<'_> {
    /// Hears the client and its own clock, and queues what there is to say.
    async fn hear(
        mut self,
        mut source: impl Stream<Item = tungstenite::Result<Message>> + Unpin,
    ) -> tungstenite::Result<End> {
        let mut news = self.shared.news();
        let mut changes = self.shared.changes();
        loop {
            if self.shared.is_ending() {
                return Ok(End::Close);
            }
            tokio::select! {
                message = source.next() => match message.transpose()? {
                    Some(Message::Text(text)) => {
                        let number = self.number;
                        let said =
                            self.shared.with(|service, now| service.respond(number, now, &text));
                        for out in said {
                            self.say(out).await;
                        }
                    }
                    // After a close frame the reading goes on until the goodbye is answered.
                    None => return Ok(End::Gone),
                    Some(_) => {}
                },
                happened = news.recv() => match happened {
                    Ok(Notification { client: Some(other), .. }) if other != self.number => {}
                    Ok(Notification { what: NotificationKind::Say(body), .. }) => {
                        self.say(Outgoing { body, when: Delivery::Now }).await;
                    }
                    Ok(Notification { what: NotificationKind::HangUp { close }, .. }) => {
                        return Ok(if close { End::Close } else { End::Gone });
                    }
                    // It has missed some.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(End::Gone),
                },
                () = at(self.due()) => {
                    self.send_samples();
                    self.release().await;
                }
                _ = changes.changed() => {}
            }
        }
    }

    /// When there is something to send by itself.
    fn due(&self) -> Option<Instant> {
        self.shared.quietly(|service, _| {
            let held = self.held.iter().filter_map(|out| match out.when {
                Delivery::Now => None,
                Delivery::At(time) | Delivery::AfterNext(time) => Some(service.clock.instant(time)),
            });
            held.chain(service.next_sample(self.number)).min()
        })
    }

    /// Says it now, or holds it back.
    async fn say(&mut self, out: Outgoing) {
        if out.when != Delivery::Now {
            if self.held.len() < HELD {
                self.held.push(out);
            }
            return;
        }
        self.put(out.body).await;
        let overtaken = |out: &mut Outgoing| matches!(out.when, Delivery::AfterNext(_));
        let overtaken: Vec<_> = self.held.extract_if(.., overtaken).collect();
        for Outgoing { body, .. } in overtaken {
            self.put(body).await;
        }
    }

    /// Says what has been held back long enough.
    async fn release(&mut self) {
        let now = self.shared.quietly(|_, now| now) + 1e-6;
        let due = |out: &mut Outgoing| matches!(out.when, Delivery::At(time) | Delivery::AfterNext(time) if time <= now);
        let due: Vec<_> = self.held.extract_if(.., due).collect();
        for Outgoing { body, .. } in due {
            self.put(body).await;
        }
    }

    async fn put(&self, body: Payload) {
        if matches!(body, Payload::Made(_)) {
            // It does not hold the conversation's end back.
            let queue = self.queue.downgrade();
            spawn_blocking(move || {
                let made = message(body);
                if let Some(queue) = queue.upgrade() {
                    let _ = queue.blocking_send(made);
                }
            });
            return;
        }
        // Without a writer the conversation is over, which is noticed where it ends.
        let _ = self.queue.send(message(body)).await;
    }

    /// Queues the samples that are due; what does not fit is dropped and counted.
    fn send_samples(&mut self) {
        let (queue, held, number) = (&self.queue, &mut self.held, self.number);
        self.shared.quietly(|service, now| {
            let mut dropped = 0;
            service.send_samples(number, now, |out| {
                if out.when == Delivery::Now {
                    dropped += u64::from(queue.try_send(message(out.body)).is_err());
                } else if held.len() < HELD {
                    held.push(out);
                } else {
                    dropped += 1;
                }
            });
            service.dropped += dropped;
        });
    }
}

/// A text frame, whatever is in it.
fn message(body: Payload) -> Message {
    match body {
        Payload::Text(text) => Message::text(text),
        Payload::Made(work) => Message::text(work.done()),
        Payload::Bytes(bytes) => {
            Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))
        }
    }
}

/// Writes what is queued, flushes when nothing more waits, and closes when nothing more will come.
async fn say(
    mut sink: impl Sink<Message, Error = tungstenite::Error> + Unpin,
    mut queue: mpsc::Receiver<Message>,
) -> tungstenite::Result<()> {
    while let Some(message) = queue.recv().await {
        sink.feed(message).await?;
        while let Ok(message) = queue.try_recv() {
            sink.feed(message).await?;
        }
        sink.flush().await?;
    }
    sink.close().await
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
            let answer = shared.with(|service, now| service.answer(0, now, &request.to_string()));
            serde_json::from_str::<Value>(&answer.into_text()).unwrap()["result"].clone()
        };
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        let token = ask("authorize", keys)["cortexToken"].clone();
        let session = ask("createSession", json!({ "cortexToken": token, "status": "active" }));
        let params = json!({ "cortexToken": token, "session": session["id"], "streams": ["eeg"] });
        ask("subscribe", params);
        let (queue, mut waiting) = mpsc::channel(16);
        let mut ear = Connection { queue, shared: &shared, number: 0, held: Vec::new() };
        advance(Duration::from_millis(500)).await;
        ear.send_samples();
        // Half a second of 256 Hz and the sample at its start; the oldest wait, the rest is counted.
        assert_eq!(shared.quietly(|service, _| service.dropped), 129 - 16);
        assert!(waiting.recv().await.unwrap().to_text().unwrap().starts_with("{\"eeg\":[0,"));
    }
}
