//! The sockets of the service: accepting, one task for each connection with one timer, a bounded
//! queue to a client that may not read. Knows no method and no stream.

use std::{sync::Arc, time::Duration};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

use super::service::Shared;

/// Messages that may wait for a client: two seconds of everything an EPOC X sends.
const QUEUE: usize = 1024;
/// Bytes of a request that are read; none of the API comes near.
const LARGEST: usize = 1 << 20;
/// The default of 128 KiB is zeroed at each read.
const READ_BUFFER: usize = 8 << 10;
/// Time for the handshakes of a new connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a failed accept, which repeats at once when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections and lets planned things happen, until it is aborted; then all connections
/// end with it.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    shared: Shared,
) {
    let tls = tls.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    let mut changes = shared.changes();
    for number in 0.. {
        let stream = loop {
            let next = shared.next();
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => break stream,
                    Err(error) => {
                        tracing::warn!(%error, "the simulator cannot accept a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = at(next) => {}
                _ = changes.changed() => {}
            }
        };
        connections.spawn(connection(stream, tls.clone(), shared.clone(), number));
    }
}

/// Waits for a moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Shared, number: u64) {
    // Samples must not wait for one another; a socket that cannot do it still works.
    let _ = stream.set_nodelay(true);
    let done = match tls {
        None => talk(stream, &shared, number).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => talk(stream, &shared, number).await,
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Ok(()),
        },
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a client of the simulator is gone");
    }
}

/// Says goodbye to the service however the conversation ends, by an abort of its task too.
struct Guest<'a>(&'a Shared, u64);

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.0.with(|service, now| service.disconnect_client(self.1, now));
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
    number: u64,
) -> tungstenite::Result<()> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let handshake = accept_async_with_config(stream, Some(config));
    let Ok(socket) = tokio::time::timeout(HANDSHAKE, handshake).await else { return Ok(()) };
    let (sink, source) = socket?.split();
    shared.with(|service, _| service.connections += 1);
    let _guest = Guest(shared, number);
    let (sender, queue) = mpsc::channel(QUEUE);
    tokio::select! {
        done = hear(source, sender, shared, number) => done,
        done = say(sink, queue) => done,
    }
}

/// Hears the client and its own clock, and queues what there is to say.
async fn hear(
    mut source: impl Stream<Item = tungstenite::Result<Message>> + Unpin,
    queue: mpsc::Sender<Message>,
    shared: &Shared,
    number: u64,
) -> tungstenite::Result<()> {
    let mut news = shared.news();
    let mut changes = shared.changes();
    let drops = shared.quietly(|service, _| service.drops);
    loop {
        let (due, dropped) =
            shared.quietly(|service, _| (service.next_sample(number), service.drops != drops));
        if dropped {
            return Ok(());
        }
        tokio::select! {
            message = source.next() => match message.transpose()? {
                Some(Message::Text(text)) => {
                    let answer = shared.with(|service, now| service.answer(number, now, &text));
                    let Some(answer) = answer else { continue };
                    if queue.send(Message::text(answer)).await.is_err() {
                        return Ok(());
                    }
                }
                // After a close frame the reading goes on until the goodbye is answered.
                None => return Ok(()),
                Some(_) => {}
            },
            Ok(warning) = news.recv() => {
                if queue.send(Message::text(warning)).await.is_err() {
                    return Ok(());
                }
            }
            () = at(due) => send_samples(&queue, shared, number),
            _ = changes.changed() => {}
        }
    }
}

/// Queues the samples that are due; what does not fit is dropped and counted.
fn send_samples(queue: &mpsc::Sender<Message>, shared: &Shared, number: u64) {
    shared.quietly(|service, now| {
        let mut dropped = 0;
        service.send_samples(number, now, |sample| {
            dropped += u64::from(queue.try_send(Message::text(sample)).is_err());
        });
        service.dropped += dropped;
    });
}

/// Writes what is queued, and flushes when nothing more waits.
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::time::advance;

    use super::*;
    use crate::sim::{Options, service};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_costs_samples_and_no_memory() {
        let (service, _) = service(&Options::default()).unwrap();
        let shared = Shared::new(service);
        let ask = |method: &str, params: Value| {
            let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
            let answer = shared.with(|service, now| service.answer(0, now, &request.to_string()));
            serde_json::from_str::<Value>(&answer.unwrap()).unwrap()["result"].clone()
        };
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        let token = ask("authorize", keys)["cortexToken"].clone();
        let session = ask("createSession", json!({ "cortexToken": token, "status": "active" }));
        let params = json!({ "cortexToken": token, "session": session["id"], "streams": ["eeg"] });
        ask("subscribe", params);
        let (queue, mut waiting) = mpsc::channel(16);
        advance(Duration::from_millis(500)).await;
        send_samples(&queue, &shared, 0);
        // Half a second of 256 Hz and the sample at its start; the oldest wait, the rest is counted.
        assert_eq!(shared.quietly(|service, _| service.dropped), 129 - 16);
        assert!(waiting.recv().await.unwrap().to_text().unwrap().starts_with("{\"eeg\":[0,"));
    }
}
