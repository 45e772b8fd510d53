//! Answers over UDP to programs that look for streams or compare clocks, for all outlets of this
//! program.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{net::UdpSocket, runtime::Handle, task::AbortHandle};

use crate::{Network, Query, clock::local_clock, published::Published};

/// The longest request that is processed, in bytes.
const LONGEST: usize = 8192;

/// Serves outlets on a network. Shared by its clones, and ends with the last of them and of its
/// outlets.
#[derive(Clone, Debug)]
pub struct Server(Arc<ServerTasks>);

#[derive(Debug)]
struct ServerTasks {
    shared: Arc<ServerState>,
    tasks: Vec<AbortHandle>,
}

#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) network: Network,
    pub(crate) runtime: Handle,
    pub(crate) host: String,
    pub(crate) service_port: u16,
    service: UdpSocket,
    streams: Mutex<Vec<Weak<Published>>>,
}

impl Server {
    /// Starts the server on the current runtime.
    ///
    /// # Errors
    /// The address is not one of this machine's, or has no free port.
    pub fn start(network: Network) -> io::Result<Self> {
        let service = UdpSocket::from_std(network.bind_udp()?)?;
        let service_port = service.local_addr()?.port();
        // Without it, receivers still find the streams by their ports.
        let discovery = network
            .bind_discovery()
            .and_then(UdpSocket::from_std)
            .inspect_err(|error| {
                tracing::warn!("no queries on port {}: {error}", network.discovery_port);
            })
            .ok();
        let runtime = Handle::current();
        let shared = Arc::new(ServerState {
            network,
            runtime: runtime.clone(),
            host: host(),
            service_port,
            service,
            streams: Mutex::default(),
        });
        let mut tasks = Vec::new();
        if let Some(socket) = discovery {
            let shared = Arc::clone(&shared);
            let task = runtime.spawn(async move { shared.answer(&socket, false).await });
            tasks.push(task.abort_handle());
        }
        let own = Arc::clone(&shared);
        tasks.push(
            runtime.spawn(async move { own.answer(&own.service, true).await }).abort_handle(),
        );
        Ok(Self(Arc::new(ServerTasks { shared, tasks })))
    }

    /// The network it serves.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.0.shared.network
    }

    pub(crate) fn shared(&self) -> &ServerState {
        &self.0.shared
    }
}

impl Drop for ServerTasks {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl ServerState {
    /// Adds a stream, which can be found from now on.
    pub(crate) fn add(&self, stream: &Arc<Published>) {
        let mut streams = self.streams();
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(stream));
    }

    fn streams(&self) -> MutexGuard<'_, Vec<Weak<Published>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the requests to a socket; only those to the service's own socket may ask for the
    /// time.
    async fn answer(&self, socket: &UdpSocket, tells_time: bool) {
        let mut buffer = vec![0; LONGEST];
        loop {
            let received = socket.recv_from(&mut buffer).await;
            let arrived = local_clock();
            let (length, asker) = match received {
                Ok((length, SocketAddr::V4(asker))) => (length, asker),
                Ok(_) => continue,
                // The error belongs to an earlier answer that could not be delivered.
                Err(error) => {
                    tracing::debug!("a request was not received: {error}");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            let Ok(request) = std::str::from_utf8(&buffer[..length]) else { continue };
            let mut lines = request.lines().map(str::trim);
            match lines.next() {
                Some("LSL:shortinfo") => {
                    let (query, to) = (lines.next(), lines.next());
                    if let Some((query, to)) = query.zip(to) {
                        self.answer_query(query, to, *asker.ip()).await;
                    }
                }
                Some("LSL:timedata") if tells_time => {
                    let Some(answer) = lines.next().and_then(|text| time_answer(text, arrived))
                    else {
                        continue;
                    };
                    if self.network.answer_to(*asker.ip()).is_some() {
                        self.send(&answer, SocketAddr::V4(asker)).await;
                    }
                }
                _ => {}
            }
        }
    }

    /// Sends each matching stream; `to` is the port for the answer and the query's id.
    async fn answer_query(&self, query: &str, to: &str, asker: Ipv4Addr) {
        let Some((port, id)) = to.split_once(' ') else { return };
        let Some(port) = port.parse::<u16>().ok().filter(|&port| port > 0) else { return };
        let Some(address) = self.network.answer_to(asker) else { return };
        let Some(query) = Query::parse(query) else {
            tracing::debug!("a query of {asker} is not understood");
            return;
        };
        let streams: Vec<_> = self.streams().iter().filter_map(Weak::upgrade).collect();
        let to = SocketAddr::new(IpAddr::V4(address), port);
        for stream in streams {
            let information = stream.get();
            if query.matches(&information.element) {
                let id = id.trim();
                self.send(&format!("{id}\r\n{}", information.short), to).await;
            }
        }
    }

    /// Sends from the service's socket, because the asker then connects to the sender's address.
    async fn send(&self, answer: &str, to: SocketAddr) {
        if let Err(error) = self.service.send_to(answer.as_bytes(), to).await {
            tracing::debug!("an answer to {to} was not sent: {error}");
        }
    }
}

/// The answer to a program that compares clocks: what it sent, when that arrived, and when this
/// leaves.
pub(crate) fn time_answer(request: &str, arrived: f64) -> Option<String> {
    let (wave, sent) = request.split_once(' ')?;
    let wave: i64 = wave.trim().parse().ok()?;
    // As written, so that no digit is lost.
    let sent = sent.trim();
    sent.parse::<f64>().ok().filter(|sent| sent.is_finite())?;
    (sent.len() < 64).then(|| format!(" {wave} {sent} {arrived:.9} {:.9}", local_clock()))
}

/// The name of this machine.
fn host() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(not(unix))]
    {
        std::env::var("COMPUTERNAME").unwrap_or_else(|_| "localhost".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_told_with_what_was_sent() {
        let answer = time_answer("42 1234.567890123", 99.5).unwrap();
        assert!(answer.starts_with(" 42 1234.567890123 99.500000000 "), "{answer}");
        for request in
            ["", "42", "x 1", "1 nan", "1 inf", "1 2 3", &format!("1 {}", "1".repeat(99))]
        {
            assert_eq!(time_answer(request, 0.0), None, "{request}");
        }
    }
}
