//! From an endpoint to an open WebSocket: resolve, connect, TLS, handshake, all within one time
//! limit. Knows nothing about the messages sent over it.

use std::{borrow::Cow, io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_with_config,
    tungstenite::{self, error::ProtocolError, protocol::WebSocketConfig},
};

use super::{
    Security,
    endpoint::{Endpoint, Trust},
    tls,
};
use cortop_protocol::{Error, ErrorKind};

/// The socket of a connection.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The limit of everything from name resolution to the handshake (§1.2).
const LIMIT: Duration = Duration::from_secs(10);

/// The longest message accepted from the service; the longest known one is a few kilobytes.
const MESSAGE: usize = 1 << 20;

/// The error of a service that cannot be reached.
fn unreachable(meaning: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unreachable, meaning, next)
}

fn unresolved(host: &str) -> Error {
    unreachable(format!("the name {host} cannot be resolved"), "check --url")
}

fn not_local(host: &str) -> Error {
    unreachable(
        format!("{host} leads to no address of this machine"),
        "write --url with 127.0.0.1 in its place",
    )
}

fn no_connection(host: &str, port: u16, kind: io::ErrorKind) -> Error {
    match kind {
        io::ErrorKind::ConnectionRefused => unreachable(
            format!("nothing listens on {host}:{port}"),
            "start EMOTIV Launcher, which starts the Cortex service",
        ),
        kind => unreachable(
            format!("{host}:{port} cannot be reached ({kind})"),
            "check --url and the network",
        ),
    }
}

fn too_slow(host: &str, port: u16) -> Error {
    unreachable(
        format!("{host}:{port} does not answer within {} s", LIMIT.as_secs()),
        "restart the Cortex service, or check --url",
    )
}

/// Limits and buffer sizes of the WebSocket.
pub(super) fn web_socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        // The default buffer of 128 KiB is zeroed at each read, which costs more than everything
        // else.
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(MESSAGE)
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE))
}

/// Connects; returns how far the connection can be trusted.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<(Socket, Security), Error> {
    let connected = timeout(LIMIT, open(endpoint)).await;
    connected.unwrap_or_else(|_| Err(too_slow(&endpoint.host, endpoint.port)))
}

/// Connects without a WebSocket handshake.
pub(super) async fn reach(
    endpoint: &Endpoint,
) -> Result<(MaybeTlsStream<TcpStream>, Security), Error> {
    let reached = timeout(LIMIT, stream(endpoint)).await;
    reached.unwrap_or_else(|_| Err(too_slow(&endpoint.host, endpoint.port)))
}

async fn open(endpoint: &Endpoint) -> Result<(Socket, Security), Error> {
    let (stream, security) = stream(endpoint).await?;
    let config = Some(web_socket_config());
    let (socket, _) = client_async_with_config(endpoint.uri.clone(), stream, config)
        .await
        .map_err(|error| no_web_socket(&error, endpoint.is_this_machine()))?;
    Ok((socket, security))
}

/// TCP, and TLS where the endpoint asks for it.
async fn stream(endpoint: &Endpoint) -> Result<(MaybeTlsStream<TcpStream>, Security), Error> {
    let (tcp, peer) = dial(endpoint).await?;
    // Requests are small and wait for their answer.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY cannot be set: {error}");
    }
    match &endpoint.trust {
        Trust::Plain => Ok((MaybeTlsStream::Plain(tcp), Security::Plain)),
        trust => secure(endpoint, trust, tcp, peer).await,
    }
}

/// Tries the addresses one after the other: `localhost` often has two, of which one answers.
async fn dial(endpoint: &Endpoint) -> Result<(TcpStream, SocketAddr), Error> {
    let (host, port) = (endpoint.host.as_str(), endpoint.port);
    let addresses = lookup_host((host, port)).await.map_err(|error| {
        tracing::debug!("the name {host} cannot be resolved: {error}");
        unresolved(host)
    })?;
    let mut failure = None;
    for address in addresses.filter(|to| !endpoint.is_local_only() || to.ip().is_loopback()) {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok((tcp, address)),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or_else(|| not_local(host), |error| no_connection(host, port, error.kind())))
}

async fn secure(
    endpoint: &Endpoint,
    trust: &Trust,
    tcp: TcpStream,
    peer: SocketAddr,
) -> Result<(MaybeTlsStream<TcpStream>, Security), Error> {
    let loopback = peer.ip().is_loopback();
    let (config, outcome) =
        tls::client_config(trust, loopback).map_err(|error| tls::explain(&error))?;
    // Already checked with the settings.
    let name =
        ServerName::try_from(endpoint.host.clone()).map_err(|_| unresolved(&endpoint.host))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| tls::failed(&error, loopback))?;
    Ok((MaybeTlsStream::Rustls(stream), outcome.security()))
}

/// The error of a peer that answered with something other than a WebSocket. `local`: at an address
/// of this machine.
fn no_web_socket(error: &tungstenite::Error, local: bool) -> Error {
    tracing::debug!("the WebSocket handshake failed: {error}");
    let meaning = match error {
        tungstenite::Error::Http(response) => {
            format!("the answer was HTTP {} instead of a WebSocket", response.status().as_u16())
        }
        tungstenite::Error::Io(error) => match error.kind() {
            io::ErrorKind::Other => "the WebSocket handshake failed".to_owned(),
            kind => format!("the WebSocket handshake failed ({kind})"),
        },
        _ => "the answer was no WebSocket handshake".to_owned(),
    };
    let closed = matches!(
        error,
        tungstenite::Error::Io(_)
            | tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete)
            | tungstenite::Error::ConnectionClosed
    );
    let tunnel = if closed && local { tls::FAR_END } else { "" };
    unreachable(meaning, format!("check that --url names a Cortex service{tunnel}"))
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn each_reason_is_one_sentence_with_a_next_step_of_its_own() {
        let broken = || io::Error::other("broken");
        let certificate = |reason| tls::explain(&rustls::Error::InvalidCertificate(reason));
        for error in [
            unresolved("localhost"),
            not_local("localhost"),
            no_connection("localhost", 1, io::ErrorKind::ConnectionRefused),
            no_connection("localhost", 1, io::ErrorKind::HostUnreachable),
            too_slow("localhost", 1),
            no_web_socket(&tungstenite::Error::ConnectionClosed, true),
            tls::failed(&broken(), false),
            tls::failed(&io::ErrorKind::UnexpectedEof.into(), true),
            certificate(CertificateError::NotValidForName),
            certificate(CertificateError::Expired),
            certificate(CertificateError::UnknownIssuer),
        ] {
            let verb = error.next.split(' ').next().unwrap();
            let verbs = ["check", "install", "restart", "start", "update", "use", "write"];
            let shown = error.to_string();
            assert!(verbs.contains(&verb) && !shown.contains(['\n', '?']), "{shown}");
        }
    }
}
