//! Looks for streams on a network.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{net::UdpSocket, time::timeout_at};

use crate::{FoundStream, Network};

/// The most streams found by one query; nobody has more.
const MOST: usize = 256;

/// Sends a query once for the streams that match it, and collects the answers for a while; returns
/// early once there are `enough`.
///
/// # Errors
/// The network cannot provide a socket.
pub async fn resolve(
    network: &Network,
    query: &str,
    wait: Duration,
    enough: usize,
) -> io::Result<Vec<FoundStream>> {
    let (socket, targets) = network.bind_query()?;
    let socket = UdpSocket::from_std(socket)?;
    // Answers to others, or to an earlier query, have a different id.
    let id = uuid::Uuid::new_v4().simple().to_string();
    let port = socket.local_addr()?.port();
    let request = format!("LSL:shortinfo\r\n{query}\r\n{port} {id}\r\n");
    for target in targets {
        if let Err(error) = socket.send_to(request.as_bytes(), target).await {
            tracing::debug!("{target} was not asked: {error}");
        }
    }
    let end = (Instant::now() + wait).into();
    let mut found = BTreeMap::new();
    let mut buffer = vec![0; 65_536];
    while found.len() < enough.min(MOST) {
        let (length, sender) = match timeout_at(end, socket.recv_from(&mut buffer)).await {
            Err(_) => break,
            Ok(Ok((length, SocketAddr::V4(sender)))) => (length, sender),
            // Nobody listens on one of the queried ports.
            Ok(_) => continue,
        };
        let Ok(answer) = std::str::from_utf8(&buffer[..length]) else { continue };
        let Some((own, xml)) = answer.split_once('\n') else { continue };
        if own.trim() == id
            && let Some(stream) = FoundStream::parse(xml.trim(), *sender.ip())
        {
            found.entry(stream.outlet.uid.clone()).or_insert(stream);
        }
    }
    Ok(found.into_values().collect())
}
