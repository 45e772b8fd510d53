//! The part of the network on which LSL is used: ports, addresses, and sockets for them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket},
    ops::RangeInclusive,
};

use socket2::{Domain, Protocol, Socket, Type};

/// The multicast groups to which receivers send their queries: liblsl's defaults for a site.
const GROUPS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(224, 0, 0, 1), Ipv4Addr::new(224, 0, 0, 183), Ipv4Addr::new(239, 255, 172, 215)];

/// The most routers that a query may pass.
const HOPS: u32 = 24;

/// The part of the network on which LSL is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address of the interface; with the loopback interface, only this machine takes part;
    /// `0.0.0.0` means all interfaces.
    pub interface: Ipv4Addr,
    /// The port on which everybody listens for queries.
    pub discovery_port: u16,
    /// The ports on which streams are served; if all are taken, any other port is used.
    pub ports: RangeInclusive<u16>,
}

impl Network {
    /// This machine only.
    #[must_use]
    pub const fn loopback() -> Self {
        Self::on(Ipv4Addr::LOCALHOST)
    }

    /// The network of one of this machine's addresses; `0.0.0.0` for all.
    #[must_use]
    pub const fn on(interface: Ipv4Addr) -> Self {
        Self { interface, discovery_port: 16_571, ports: 16_572..=16_603 }
    }

    /// Whether only this machine takes part.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.interface.is_loopback()
    }

    pub(crate) fn bind_tcp(&self) -> io::Result<TcpListener> {
        let listener = self.bind(TcpListener::bind)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    pub(crate) fn bind_udp(&self) -> io::Result<UdpSocket> {
        let socket = self.bind(UdpSocket::bind)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Binds to the first free port.
    fn bind<S>(&self, bind: impl Fn(SocketAddrV4) -> io::Result<S>) -> io::Result<S> {
        let ports = self.ports.clone().chain([0]);
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for port in ports {
            match bind(SocketAddrV4::new(self.interface, port)) {
                Ok(socket) => return Ok(socket),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The socket for queries to everybody, shared by all programs on this machine.
    pub(crate) fn bind_discovery(&self) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        // A socket bound only to the loopback address would intercept queries for the streams of
        // other programs; instead, the sender of each query is checked.
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, self.discovery_port);
        socket.bind(&SocketAddr::from(any).into())?;
        let interface = if self.is_local() { Ipv4Addr::UNSPECIFIED } else { self.interface };
        for group in GROUPS {
            // A machine without a network has no groups.
            if let Err(error) = socket.join_multicast_v4(&group, &interface) {
                tracing::debug!("no queries to {group}: {error}");
            }
        }
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }

    /// A socket for sending queries, and the addresses to which they go. On this machine each port
    /// is queried separately, because a query to the shared port reaches only one program.
    pub(crate) fn bind_query(&self) -> io::Result<(UdpSocket, Vec<SocketAddrV4>)> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        let own = if self.is_local() { self.interface } else { Ipv4Addr::UNSPECIFIED };
        socket.bind(&SocketAddr::from(SocketAddrV4::new(own, 0)).into())?;
        let host = if self.is_local() { self.interface } else { Ipv4Addr::LOCALHOST };
        let ports = [self.discovery_port].into_iter().chain(self.ports.clone());
        let mut targets: Vec<_> = ports.map(|port| SocketAddrV4::new(host, port)).collect();
        if !self.is_local() {
            socket.set_broadcast(true)?;
            socket.set_multicast_ttl_v4(HOPS)?;
            socket.set_multicast_if_v4(&self.interface)?;
            let all = GROUPS.into_iter().chain([Ipv4Addr::BROADCAST]);
            targets.extend(all.map(|group| SocketAddrV4::new(group, self.discovery_port)));
        }
        socket.set_nonblocking(true)?;
        Ok((socket.into(), targets))
    }

    /// The address to which an answer is sent; `None` if the asker gets no answer. A program on
    /// this machine may ask from any of its addresses, and listens on all of them.
    pub(crate) fn answer_to(&self, asker: Ipv4Addr) -> Option<Ipv4Addr> {
        if !self.is_local() {
            return Some(asker);
        }
        (asker.is_loopback() || is_own(asker)).then_some(self.interface)
    }
}

/// Whether an address belongs to this machine: only those can be bound.
fn is_own(address: Ipv4Addr) -> bool {
    UdpSocket::bind(SocketAddrV4::new(address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_loopback_only_this_machine_is_answered() {
        let local = Network::loopback();
        assert_eq!(local.answer_to(Ipv4Addr::LOCALHOST), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(local.answer_to(Ipv4Addr::new(192, 0, 2, 7)), None);
        let wide = Network::on(Ipv4Addr::UNSPECIFIED);
        assert_eq!(wide.answer_to(Ipv4Addr::new(192, 0, 2, 7)), Some(Ipv4Addr::new(192, 0, 2, 7)));
        assert!(local.is_local() && !wide.is_local());
    }

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let network = Network { ports: port..=port, ..Network::loopback() };
        let other = network.bind_udp().unwrap().local_addr().unwrap();
        assert!(other.ip().is_loopback() && other.port() != port);
    }
}
