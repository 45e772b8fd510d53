//! A proxy between a client and a real service: forwards each byte unchanged, and reads along for the
//! journal. Pongs, close codes, masks and fragments are left to the two ends. Only the handshake is changed:
//! its host becomes the service's, and it offers no compression, so that messages can be read. Listens on
//! this machine only.
//!
//! ```text
//! mod        sockets: a client's, the service's, a pump for each direction
//!  ├─ handshake  the two HTTP heads
//!  └─ frames     bytes → messages, without touching them
//! ```

mod frames;
mod handshake;

use std::{
    io,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use self::frames::FrameReader;
use cortop_client::transport::Transport;
use cortop_files::capture::CaptureFile;
use cortop_protocol::wire::{Side, WireEvent, WireEventKind, WireMessage};
use cortop_sim::{Backlog, Listener, journal::Journal};

/// Bytes read at a time.
const BUFFER: usize = 16 << 10;
/// How long the handshakes of a new connection may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one direction may outlive the other.
const LINGER: Duration = Duration::from_secs(2);

/// What is forwarded where, and who observes it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The service.
    pub service: Transport,
    /// The TLS configuration for clients; plain WebSocket if `None`.
    pub tls: Option<Arc<ServerConfig>>,
    /// Records what clients do.
    pub journal: Journal,
    /// The file for captured messages, if any.
    pub capture: Option<CaptureFile>,
}

impl Proxy {
    /// Serves clients for ever; dropping it ends all connections.
    pub async fn serve(self, listener: Listener) {
        let mut connections = JoinSet::new();
        let mut number = 0;
        loop {
            tokio::select! {
                client = listener.accept() => {
                    number += 1;
                    connections.spawn(self.clone().connect(client, number));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Serves one client.
    async fn connect(self, client: TcpStream, number: u64) {
        // Samples must not be delayed; a socket without the option still works.
        let _ = client.set_nodelay(true);
        let done = match self.tls.clone() {
            None => self.pass(client, number).await,
            Some(tls) => {
                match timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(tls).accept(client)).await {
                    Ok(Ok(client)) => self.pass(client, number).await,
                    Ok(Err(error)) => return self.journal.handshake_failed(number, &error),
                    Err(_) => Ok(()),
                }
            }
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                tracing::debug!("client {number}: gone without a close frame");
            }
            Err(error) => tracing::debug!("client {number}: gone: {error}"),
            Ok(()) => {}
        }
    }

    /// Connects to the service, forwards the handshake, then everything else.
    async fn pass(
        &self,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        number: u64,
    ) -> io::Result<()> {
        let shaken = timeout(HANDSHAKE_TIMEOUT, self.shake_hands(&mut client)).await;
        let Some((service, request_rest, answer_rest)) = shaken.map_err(io::Error::other)?? else {
            return Ok(());
        };
        let look_on = ConnectionObserver::new(self, number);
        let ((client_reads, client_writes), (service_reads, service_writes)) =
            (split(client), split(service));
        let mut up = pin!(pump(
            client_reads,
            service_writes,
            request_rest,
            |message| {
                look_on.message(Side::Client, message);
            },
            |_| {}
        ));
        let unread = |time| self.journal.unread(number, time);
        let mut down = pin!(pump(
            service_reads,
            client_writes,
            answer_rest,
            |message| {
                look_on.message(Side::Service, message);
            },
            unread
        ));
        tokio::select! {
            done = &mut up => {
                look_on.ended_by(Side::Client);
                let _ = timeout(LINGER, &mut down).await;
                done
            }
            done = &mut down => {
                look_on.ended_by(Side::Service);
                let _ = timeout(LINGER, &mut up).await;
                done
            }
        }
    }

    /// Forwards the two heads of the handshake. Returns the connection to the service, and what each end sent
    /// after its head; `None` if the service cannot be reached or accepts no WebSocket.
    async fn shake_hands(
        &self,
        client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> io::Result<Option<(cortop_client::transport::TransportStream, Vec<u8>, Vec<u8>)>> {
        let Some((head, request_rest)) = handshake::read(client).await? else { return Ok(None) };
        let mut service = match self.service.open().await {
            Ok(service) => service,
            Err(error) => {
                let why = error.to_string().replace("--url", "--to");
                tracing::warn!("the service cannot be reached: {why}");
                client.write_all(&handshake::bad_gateway(&why)).await?;
                return client.shutdown().await.map(|()| None);
            }
        };
        service.write_all(&handshake::for_service(&head, &self.service.authority())).await?;
        service.flush().await?;
        let Some((head, answer_rest)) = handshake::read(&mut service).await? else {
            return Ok(None);
        };
        client.write_all(&head).await?;
        client.flush().await?;
        if handshake::is_accepted(&head) {
            return Ok(Some((service, request_rest, answer_rest)));
        }
        tracing::warn!("the service accepts no WebSocket: {}", handshake::first_line(&head));
        client.write_all(&answer_rest).await?;
        tokio::io::copy(&mut service, client).await?;
        Ok(None)
    }
}

/// Passes the messages of a connection to journal and capture, and also its end, however it comes.
struct ConnectionObserver<'a> {
    proxy: &'a Proxy,
    number: u64,
    /// Who ended it.
    ended: OnceLock<Side>,
}

impl<'a> ConnectionObserver<'a> {
    fn new(proxy: &'a Proxy, number: u64) -> Self {
        proxy.journal.connected(number);
        let observer = Self { proxy, number, ended: OnceLock::new() };
        observer.capture(WireEventKind::Connected);
        observer
    }

    fn capture(&self, kind: WireEventKind<'_>) {
        if let Some(capture) = &self.proxy.capture {
            let (at, connection) = (Timestamp::now(), self.number);
            capture.write(&WireEvent { at, recalled: false, connection, kind });
        }
    }

    fn message(&self, from: Side, message: &WireMessage<'_>) {
        if let WireMessage::Text(text) = message {
            match from {
                Side::Client => self.proxy.journal.received(self.number, text),
                Side::Service => self.proxy.journal.sent(self.number, text),
            }
        }
        if let WireMessage::Close { .. } = message {
            self.ended_by(from);
        }
        self.capture(WireEventKind::Message { from, message: message.clone() });
    }

    /// Records which end closed first.
    fn ended_by(&self, side: Side) {
        self.ended.get_or_init(|| side);
    }
}

impl Drop for ConnectionObserver<'_> {
    fn drop(&mut self) {
        // If the task was aborted, the proxy itself ended it.
        let by = self.ended.get().copied().unwrap_or(Side::Service);
        self.proxy.journal.disconnected(self.number, by);
        self.capture(WireEventKind::Disconnected { by });
    }
}

/// Forwards bytes until the reader ends, then closes the writer. `rest` was read before.
async fn pump(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    mut rest: Vec<u8>,
    mut message: impl FnMut(&WireMessage<'_>),
    unread: impl Fn(Duration),
) -> io::Result<()> {
    let (mut frames, mut backlog) = (FrameReader::default(), Backlog::default());
    let mut buffer = vec![0; BUFFER];
    loop {
        let bytes = if rest.is_empty() {
            let count = reader.read(&mut buffer).await?;
            buffer.get(..count).unwrap_or_default()
        } else {
            &rest
        };
        if bytes.is_empty() {
            return writer.shutdown().await;
        }
        frames.read(bytes, &mut message);
        let write = async {
            writer.write_all(bytes).await?;
            writer.flush().await
        };
        backlog.writes(bytes.len());
        backlog.wait(write, &unread).await?;
        rest.clear();
    }
}
