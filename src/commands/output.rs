//! Standard output, written by a thread of its own: a reader that is slow, or has stopped, holds up
//! neither the socket nor a signal. Knows text only.

use std::{
    io::{self, Write as _},
    thread,
};

use tokio::sync::{mpsc, oneshot};

/// Chunks that may wait for a slow reader.
const CHUNKS: usize = 64;

/// How the writing ended.
#[derive(Debug)]
pub(super) enum Written {
    /// All of it.
    All,
    /// The reader has seen enough.
    Enough,
    /// The rest could not be written.
    Failed(io::Error),
}

/// Starts the thread: what is sent is written in order, until the sender is dropped. The receiver
/// tells how it ended; the sender is closed as soon as nothing can be written any more.
pub(super) fn spawn() -> (mpsc::Sender<String>, oneshot::Receiver<Written>) {
    let (sender, mut chunks) = mpsc::channel::<String>(CHUNKS);
    let (tell, written) = oneshot::channel();
    thread::spawn(move || {
        let mut stdout = io::stdout().lock();
        let mut end = Written::All;
        while let Some(chunk) = chunks.blocking_recv() {
            if let Err(error) = stdout.write_all(chunk.as_bytes()).and_then(|()| stdout.flush()) {
                end = match error.kind() {
                    io::ErrorKind::BrokenPipe => Written::Enough,
                    _ => Written::Failed(error),
                };
                break;
            }
        }
        // Nobody waits for it if the program was told to end.
        let _ = tell.send(end);
    });
    (sender, written)
}
