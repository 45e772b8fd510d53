//! The traffic as a file of JSON lines (docs/capture.md), without secrets. Written by a thread of its
//! own: a slow disk costs lines, which are counted, and never time.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use color_eyre::eyre::{Result, WrapErr as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::frames::WireMessage;
use cortop_protocol::secrets::Secrets;
use cortop_sim::journal::Side;

/// Lines that may wait for the disk.
const LINES: usize = 16 << 10;

/// A handle on the file; cheap to clone.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Without a line it ends.
    lines: SyncSender<Option<String>>,
    lost: Arc<AtomicU64>,
    secrets: Secrets,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Capture {
    /// Begins a file, which belongs to the user alone. One that is there already is not written over.
    ///
    /// # Errors
    /// It cannot be made; the text says what to do.
    pub fn create(path: &Path, service: &str) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).wrap_err_with(|| {
            format!("cannot make {}; give --capture the name of a new file", path.display())
        })?;
        let (lines, waiting) = sync_channel::<Option<String>>(LINES);
        let writer = thread::Builder::new().name("capture".to_owned()).spawn(move || {
            if let Err(error) = write_lines(&mut BufWriter::new(file), &waiting) {
                tracing::warn!("the capture ends here, as it cannot be written: {error}");
            }
        })?;
        let capture = Self {
            lines,
            lost: Arc::default(),
            secrets: Secrets::default(),
            writer: Arc::new(Mutex::new(Some(writer))),
        };
        capture.write(&json!({
            "at": now(), "event": "capture", "format": "cortop-capture", "service": service,
            "version": 1,
        }));
        Ok(capture)
    }

    pub(super) fn connected(&self, connection: u64) {
        self.write(&json!({ "at": now(), "connection": connection, "event": "connected" }));
    }

    pub(super) fn disconnected(&self, connection: u64, by: Side) {
        self.write(&json!({
            "at": now(), "by": by.name(), "connection": connection, "event": "disconnected",
        }));
    }

    pub(super) fn message(&self, connection: u64, from: Side, message: &WireMessage<'_>) {
        let mut line = json!({ "at": now(), "connection": connection, "from": from.name() });
        let (event, name, value) = match message {
            WireMessage::Text(text) => ("text", "text", json!(self.secrets.redact_text(text))),
            WireMessage::Binary(bytes) => ("binary", "bytes", json!(bytes)),
            WireMessage::Ping(bytes) => ("ping", "bytes", json!(bytes)),
            WireMessage::Pong(bytes) => ("pong", "bytes", json!(bytes)),
            WireMessage::TooLong(bytes) => ("too-long", "bytes", json!(bytes)),
            WireMessage::Close { code, reason } => {
                line["reason"] = json!(reason);
                ("close", "code", json!(code))
            }
            WireMessage::Unreadable => ("unreadable", "bytes", Value::Null),
        };
        line["event"] = json!(event);
        line[name] = value;
        self.write(&line);
    }

    fn write(&self, line: &Value) {
        if self.lines.try_send(Some(format!("{line}\n"))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the file, and waits until it is written. Returns how many lines had to be left out.
    pub fn finish(self) -> u64 {
        let lost = self.lost.load(Ordering::Relaxed);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if lost > 0 {
            // It may wait for the disk: nobody waits for it any more.
            let line = json!({ "at": now(), "event": "lost", "lines": lost });
            let _ = self.lines.send(Some(format!("{line}\n")));
        }
        let _ = self.lines.send(None);
        writer.map(JoinHandle::join);
        lost
    }
}

/// Writes lines until there is none in one's place. What waits is written together; what was the last
/// for now is not left in the buffer.
fn write_lines(file: &mut impl Write, waiting: &Receiver<Option<String>>) -> io::Result<()> {
    let mut next = waiting.recv();
    while let Ok(Some(line)) = next {
        file.write_all(line.as_bytes())?;
        next = if let Ok(line) = waiting.try_recv() {
            Ok(line)
        } else {
            file.flush()?;
            waiting.recv()
        };
    }
    file.flush()
}

/// Seconds since 1970.
fn now() -> f64 {
    Timestamp::now().as_microsecond() as f64 / 1e6
}
