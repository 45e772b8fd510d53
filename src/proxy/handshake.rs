//! The heads of the HTTP handshake, forwarded line by line. Knows nothing of WebSocket beyond its headers.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Maximum length of a head.
const LONGEST: usize = 16 << 10;
/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// Reads a head, and returns what follows it separately; `None` if the stream ends first, or the head is too
/// long.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut head = Vec::new();
    while head.len() < LONGEST {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
        if let Some(end) = head.windows(END.len()).position(|bytes| bytes == END) {
            let rest = head.split_off(end + END.len());
            return Ok(Some((head, rest)));
        }
    }
    Ok(None)
}

/// A client's request as sent to the service: with the service's host, and without an offer of compression.
pub(super) fn for_service(head: &[u8], host: &str) -> Vec<u8> {
    let mut passed = Vec::with_capacity(head.len() + host.len());
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"sec-websocket-extensions") {
            continue;
        }
        if name.eq_ignore_ascii_case(b"host") {
            passed.extend_from_slice(format!("Host: {host}\r\n").as_bytes());
        } else {
            passed.extend_from_slice(line);
        }
    }
    passed
}

/// Whether the answer accepts the WebSocket.
pub(super) fn is_accepted(head: &[u8]) -> bool {
    head.split(|byte| *byte == b' ').nth(1) == Some(b"101")
}

/// The first line of a head.
pub(super) fn first_line(head: &[u8]) -> String {
    String::from_utf8_lossy(head).lines().next().unwrap_or_default().chars().take(80).collect()
}

/// The answer if the service cannot be reached.
pub(super) fn bad_gateway(why: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: \
         {}\r\nConnection: close\r\n\r\n{why}",
        why.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_is_read_up_to_its_end_and_passed_on_with_the_name_of_the_service() {
        let sent = b"GET / HTTP/1.1\r\nhost: localhost:7000\r\nX-A:  b \r\n\
            Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket\r\n\r\n\x81\x00";
        let (head, rest) = read(&mut &sent[..]).await.expect("read").expect("whole");
        assert_eq!(rest, b"\x81\x00");
        assert_eq!(
            String::from_utf8(for_service(&head, "cortex:6868")).expect("text"),
            "GET / HTTP/1.1\r\nHost: cortex:6868\r\nX-A:  b \r\nUpgrade: websocket\r\n\r\n"
        );
        assert!(is_accepted(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"));
        assert!(!is_accepted(b"HTTP/1.1 404 Not Found\r\n\r\n"));
        assert_eq!(read(&mut &b"GET / HTTP/1.1\r\n"[..]).await.expect("read"), None);
        assert_eq!(read(&mut tokio::io::repeat(b'x')).await.expect("read"), None);
    }
}
