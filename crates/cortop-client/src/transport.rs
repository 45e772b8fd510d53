//! A connection to a service for programs that only pass bytes through, checked like the client's
//! own connections. Knows nothing about the messages sent over it.

use std::fmt;

use tokio::net::TcpStream;
use tokio_tungstenite::MaybeTlsStream;

use super::certificate::Certificate;
pub use super::endpoint::{TrustFiles, check_url, local_port};
use super::{endpoint::Endpoint, socket};
use cortop_protocol::Error;

/// A connection before its WebSocket handshake.
pub type TransportStream = MaybeTlsStream<TcpStream>;

/// A service's address, and how far it is trusted.
#[derive(Clone)]
pub struct Transport(Endpoint);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transport").field(&self.0.uri).finish()
    }
}

impl Transport {
    /// Parses the URL and reads the roots.
    ///
    /// # Errors
    /// Either cannot be used; the error says what to do.
    pub fn new(url: &str, files: TrustFiles<'_>) -> Result<Self, Error> {
        Endpoint::new(url, files).map(Self)
    }

    /// Host and port, as in the `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.0.uri.host().unwrap_or_default();
        format!("{host}:{}", self.0.port)
    }

    /// The port, if the host names this machine.
    #[must_use]
    pub fn local_port(&self) -> Option<u16> {
        self.0.is_this_machine().then_some(self.0.port)
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// The service cannot be reached or cannot be trusted; the error says what to do.
    pub async fn open(&self) -> Result<TransportStream, Error> {
        socket::reach(&self.0).await.map(|(stream, _)| stream)
    }

    /// The certificate that the service presents; `None` over plain text.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn certificate(&self) -> Result<Option<Certificate>, Error> {
        let MaybeTlsStream::Rustls(stream) = self.open().await? else { return Ok(None) };
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        Ok(shown.map(|der| Certificate::new(der.clone().into_owned())))
    }
}
