//! From an endpoint to an open WebSocket: resolve, connect, TLS, handshake, all within one time
//! limit. Knows nothing of what is said over it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_with_config,
    tungstenite::{self, protocol::WebSocketConfig},
};

use super::{
    Cause, Security,
    tls::{self, Endpoint, Trust, WrongName},
};

/// The socket of a connection.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// For everything from the name to the handshake (§1.2).
const LIMIT: Duration = Duration::from_secs(10);

/// The longest message taken from the service; its longest known one is a few kilobytes.
const MESSAGE: usize = 1 << 20;

/// Why there is no connection: one sentence with the next step.
#[derive(Debug, Error)]
pub(super) enum ConnectError {
    #[error("the name {host} cannot be resolved: check --url")]
    Name { host: String },
    #[error("{host} leads to no address of this machine: write --url with 127.0.0.1 in its place")]
    NotLocal { host: String },
    #[error(
        "nothing listens on {host}:{port}: start EMOTIV Launcher, which starts the Cortex service"
    )]
    Refused { host: String, port: u16 },
    #[error("{host}:{port} cannot be reached ({kind}): check --url and the network")]
    Unreachable { host: String, port: u16, kind: io::ErrorKind },
    #[error(
        "{host}:{port} does not answer within {} s: restart the Cortex service, or check --url",
        LIMIT.as_secs()
    )]
    Slow { host: String, port: u16 },
    #[error("{0}")]
    Tls(String),
    #[error("{0}: check that --url names a Cortex service")]
    Handshake(String),
}

impl ConnectError {
    pub(super) fn cause(&self) -> Cause {
        if matches!(self, Self::Tls(_)) { Cause::Tls } else { Cause::Service }
    }
}

/// How sockets are read and written.
pub(super) fn web_socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        // The default of 128 KiB is zeroed at each read, which costs more than all else.
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(MESSAGE)
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE))
}

/// Connects, and tells how far the connection can be trusted.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<(Socket, Security), ConnectError> {
    timeout(LIMIT, open(endpoint)).await.unwrap_or_else(|_| {
        Err(ConnectError::Slow { host: endpoint.host.clone(), port: endpoint.port })
    })
}

async fn open(endpoint: &Endpoint) -> Result<(Socket, Security), ConnectError> {
    let (tcp, peer) = dial(endpoint).await?;
    // Requests are small and wait for their answer.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY cannot be set: {error}");
    }
    let (stream, security) = match &endpoint.trust {
        Trust::Plain => (MaybeTlsStream::Plain(tcp), Security::Plain),
        trust => secure(endpoint, trust, tcp, peer).await?,
    };
    let config = Some(web_socket_config());
    let (socket, _) = client_async_with_config(endpoint.uri.clone(), stream, config)
        .await
        .map_err(|error| ConnectError::Handshake(no_web_socket(&error)))?;
    Ok((socket, security))
}

/// Tries the addresses one after the other; `localhost` has often two, and one that answers.
async fn dial(endpoint: &Endpoint) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let (host, port) = (endpoint.host.clone(), endpoint.port);
    let addresses = lookup_host((host.as_str(), port)).await.map_err(|error| {
        tracing::debug!("the name {host} cannot be resolved: {error}");
        ConnectError::Name { host: host.clone() }
    })?;
    let mut failure = None;
    for address in addresses.filter(|to| !endpoint.is_local_only() || to.ip().is_loopback()) {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok((tcp, address)),
            Err(error) => failure = Some(error),
        }
    }
    Err(match failure {
        None => ConnectError::NotLocal { host },
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            ConnectError::Refused { host, port }
        }
        Some(error) => ConnectError::Unreachable { host, port, kind: error.kind() },
    })
}

async fn secure(
    endpoint: &Endpoint,
    trust: &Trust,
    tcp: TcpStream,
    peer: SocketAddr,
) -> Result<(MaybeTlsStream<TcpStream>, Security), ConnectError> {
    let roots = match trust {
        Trust::Roots(roots) => Some(Arc::clone(roots)),
        Trust::Plain | Trust::Unchecked => None,
    };
    let checked = roots.is_some();
    let wrong_name = WrongName::default();
    let config = tls::client_config(roots, peer.ip().is_loopback(), wrong_name.clone())
        .map_err(|error| ConnectError::Tls(tls::explain(&error)))?;
    // Checked with the settings.
    let name = ServerName::try_from(endpoint.host.clone())
        .map_err(|_| ConnectError::Name { host: endpoint.host.clone() })?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| ConnectError::Tls(tls::failed(&error)))?;
    let security = match (checked, wrong_name.seen()) {
        (false, _) => Security::Unchecked,
        (true, true) => Security::WrongName,
        (true, false) => Security::Verified,
    };
    Ok((MaybeTlsStream::Rustls(stream), security))
}

/// What came instead of a WebSocket.
fn no_web_socket(error: &tungstenite::Error) -> String {
    tracing::debug!("the WebSocket handshake failed: {error}");
    match error {
        tungstenite::Error::Http(response) => {
            format!("the answer was HTTP {} instead of a WebSocket", response.status().as_u16())
        }
        tungstenite::Error::Io(error) => match error.kind() {
            io::ErrorKind::Other => "the WebSocket handshake failed".to_owned(),
            kind => format!("the WebSocket handshake failed ({kind})"),
        },
        _ => "the answer was no WebSocket handshake".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn each_reason_is_one_sentence_with_a_next_step_of_its_own() {
        let host = || "localhost".to_owned();
        let error = || io::Error::other("odd");
        let certificate =
            |reason| ConnectError::Tls(tls::explain(&rustls::Error::InvalidCertificate(reason)));
        for reason in [
            ConnectError::Name { host: host() },
            ConnectError::NotLocal { host: host() },
            ConnectError::Refused { host: host(), port: 1 },
            ConnectError::Unreachable {
                host: host(),
                port: 1,
                kind: io::ErrorKind::HostUnreachable,
            },
            ConnectError::Slow { host: host(), port: 1 },
            ConnectError::Handshake(no_web_socket(&tungstenite::Error::ConnectionClosed)),
            ConnectError::Tls(tls::failed(&error())),
            ConnectError::Tls(tls::failed(&io::ErrorKind::UnexpectedEof.into())),
            certificate(CertificateError::NotValidForName),
            certificate(CertificateError::Expired),
            certificate(CertificateError::UnknownIssuer),
        ] {
            let reason = reason.to_string();
            let (_, next) = reason.rsplit_once(": ").unwrap();
            let verb = next.split(' ').next().unwrap();
            let verbs = ["check", "install", "restart", "start", "update", "use", "write"];
            assert!(verbs.contains(&verb) && !reason.contains(['\n', '?']), "{reason}");
        }
    }
}
