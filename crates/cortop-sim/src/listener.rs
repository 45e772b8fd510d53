//! Listens on several addresses at one port. Independent of protocols.

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    task::Poll,
    time::Duration,
};

use color_eyre::{Result, eyre::eyre};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};

/// Pause after a failed accept, which would fail again at once when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes that the system buffers for a client.
pub(super) const SEND_BUFFER: u32 = 64 << 10;

/// Sockets on which connections are accepted.
#[derive(Debug)]
pub struct Listener {
    /// Who listens, for messages.
    name: &'static str,
    /// The address of the first socket.
    address: SocketAddr,
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Listens on all the addresses at one port, or at a free one if that is 0. An address that
    /// this machine does not have is skipped, unless it is the first. `name` is who listens, for
    /// messages.
    ///
    /// # Errors
    /// The port is in use, or the first address is not one of this machine.
    pub fn bind(name: &'static str, addresses: &[IpAddr], port: u16) -> Result<Self> {
        /// A port that is free on one address may be taken on another.
        const TRIES: u32 = 16;
        let mut tries = if port == 0 { TRIES } else { 1 };
        'again: loop {
            tries -= 1;
            let mut sockets = Vec::new();
            let mut chosen = port;
            for &address in addresses {
                let place = SocketAddr::new(address, chosen);
                match open(place) {
                    Ok(socket) => {
                        chosen = socket.local_addr()?.port();
                        sockets.push(socket);
                    }
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                        continue 'again;
                    }
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        return Err(eyre!(
                            "port {chosen} of {address} is in use, perhaps by the Cortex service or \
                             by another simulator: end it, or choose another port with --port (0 \
                             takes a free one)"
                        ));
                    }
                    Err(error) if sockets.is_empty() => {
                        return Err(eyre!(
                            "{name} cannot listen on {place}: {error}; choose another address or port"
                        ));
                    }
                    Err(error) => {
                        tracing::debug!("cannot listen on {place}, going without: {error}");
                    }
                }
            }
            let first = sockets.first().ok_or_else(|| eyre!("no address to listen on"))?;
            return Ok(Self { name, address: first.local_addr()?, sockets });
        }
    }

    /// The first address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection to any of the addresses. Cancel-safe.
    pub async fn accept(&self) -> TcpStream {
        loop {
            let accepted = poll_fn(|context| {
                let mut polled = self.sockets.iter().map(|socket| socket.poll_accept(context));
                polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
            });
            match accepted.await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    tracing::warn!("{} cannot accept a connection: {error}", self.name);
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Listens with a send buffer of fixed size: otherwise the system's buffer would hide for a minute
/// and longer that a client does not read.
fn open(place: SocketAddr) -> io::Result<TcpListener> {
    const WAITING: u32 = 1024;
    let socket = if place.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(place)?;
    socket.listen(WAITING)
}
