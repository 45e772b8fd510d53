//! Serves a text over HTTP. A scraper sends only a GET without a body, so this reads the head of one request,
//! answers and closes: hyper, the smallest maintained server, would add a dozen crates for that. Everything
//! that a peer could stretch is bounded: size of the head, time, number of connections.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Maximum bytes of a request's head.
const HEAD: u64 = 8 << 10;
/// Time limit for a request and its answer.
const LIMIT: Duration = Duration::from_secs(5);
/// Concurrent connections; others wait.
const CONNECTIONS: usize = 16;
/// Pause after a failed accept, which would fail again at once while file descriptors are exhausted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Serves until dropped, together with all connections.
pub(super) async fn serve(
    listener: TcpListener,
    text: impl Fn() -> String + Clone + Send + Sync + 'static,
) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let text = text.clone();
                connections.spawn(async move {
                    match timeout(LIMIT, answer(stream, text)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => {
                            tracing::debug!("a reader of the metrics is gone: {error}");
                        }
                        Err(_) => tracing::debug!("a reader of the metrics took too long"),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("the metrics cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, text: impl Fn() -> String) -> io::Result<()> {
    let head = read_head(&mut stream).await?;
    let mut words = head.as_deref().unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let path = target.and_then(|target| target.split('?').next());
    let is_http = version.is_some_and(|version| version.starts_with("HTTP/1."));
    let (status, kind, body) = match (method, path) {
        _ if !is_http => ("400 Bad Request", PLAIN, "not an HTTP/1.1 request\n".to_owned()),
        (Some("GET" | "HEAD"), Some("/metrics")) => ("200 OK", OPEN_METRICS, text()),
        (Some("GET" | "HEAD"), _) => {
            ("404 Not Found", PLAIN, "the metrics are at /metrics\n".to_owned())
        }
        _ => ("405 Method Not Allowed", PLAIN, "only GET\n".to_owned()),
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}\
         Connection: close\r\n\r\n"
    );
    if method != Some("HEAD") {
        answer.push_str(&body);
    }
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The first line of a request, once its head is complete; `None` if it is no request.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut stream = stream.take(HEAD);
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(str::from_utf8(line).ok().map(str::to_owned))
}
